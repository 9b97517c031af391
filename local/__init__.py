"""Everything that runs on a machine without Azure. Never deployed."""
