"""Target resources: how those of each kind are found, created and removed. One class registers each kind.

Imports `site_recovery/` and below. The next kind is a class of `shared/model/target_resources.py` (what it is), one in
`placed.py` or `vault_parts.py` (how it is found and created), and a line of `shared/planning/dependency_waves.py` (when
it is needed).
"""
