"""HTTP and event triggers. A trigger parses the request, and signals or starts a run; it decides nothing."""
