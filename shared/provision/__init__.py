"""Creation of target resources: the properties, the natural key and the compatibility checks of each kind.

Imports `site_recovery/` and below. The next kind of target resource is registered in `registry.py`.
"""
