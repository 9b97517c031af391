"""Measurements on the simulator: calls and time to protect VMs, memory and start-up time of host and app."""
