"""Reads of Azure, a module for each kind of resource: virtual machines, disks, networks, resource groups, SKUs, locks.

Imports `arm/` and below. The next kind of resource that has to be read is the next module.
"""
