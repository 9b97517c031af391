"""Reads of Azure, a module for each kind of resource: virtual machines, disks, networks, groups, SKUs, locks, usage.

Imports `arm/` and below. The next kind of resource that has to be read is the next module.
"""
