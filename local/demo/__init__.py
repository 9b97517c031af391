"""The demo: runs an estate of VMs from their events to the ends of their runs, shows it and checks the results."""
