"""The order of things. Generators, replayed from their history: deterministic, free of I/O, state in one object."""
