"""The orchestrators: generators that are replayed from their history. Deterministic, without I/O, state in one
object."""
