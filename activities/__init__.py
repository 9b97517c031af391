"""One step each: Azure in, a typed outcome out. Safe to run twice, at once, and to be killed half-way."""
