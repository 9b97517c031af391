"""Observations: one VM, its planning context, a preview, the inventory, orphans. Nothing here writes.

The top layer of `shared/`: imports all others, and is imported by `activities/` and `triggers/` only.
"""
