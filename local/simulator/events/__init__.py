"""Event Grid: what the system topics of a subscription publish, and how it is delivered."""
