"""Making target resources: what each kind is made with, found again by, and held to.

Imports `site_recovery/` and below. The next kind of target resource is registered in `registry.py`.
"""
