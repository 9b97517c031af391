"""Observations for triggers and activities: one VM, its planning context, a preview, the inventory, orphans. Reads only.

The top floor of `shared/`: imports all others, and is imported by `activities/` and `triggers/` only.
"""
