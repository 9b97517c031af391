"""Value objects: IDs, VMs, replicated items, jobs, plans, findings, names, step results. Frozen, typed, no I/O.

Imports nothing of the app. The next value object goes into the module of its subject, or into one of its own; a rule
about it goes to `planning/` or `reconcile/`.
"""
