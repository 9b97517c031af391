"""Observations: one VM, its planning context, a preview, the inventory, orphans. Nothing here writes to Azure
resources; `by_hand` and `failovers` write the app's own archive and records.

The top layer of `shared/`: imports all others, and is imported by `activities/` and `triggers/` only.
"""
