"""The outside world's words turned into keys and back. A door names a VM and wakes it; it decides nothing."""
