"""The demo: an estate of VMs from their events to the ends of their runs, shown while it happens and then checked."""
