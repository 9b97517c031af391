"""Everything for a machine without Azure. Never deployed."""
