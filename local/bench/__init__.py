"""Measurements on the simulator: what protecting VMs costs and takes, and what host and app weigh."""
