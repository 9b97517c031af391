"""The app as it is, on the local host, against the simulator: over real sockets, from an event to an end state."""
