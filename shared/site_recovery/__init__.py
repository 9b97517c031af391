"""A Recovery Services vault: its infrastructure, replicated items, jobs, policies, and the daily limits.

Imports `readers/`, `arm/` and below. Calls to Site Recovery go here; planning and decisions do not.
"""
