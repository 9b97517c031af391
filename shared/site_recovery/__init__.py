"""A Recovery Services vault: its infrastructure, replicated items, jobs, policies, and the daily limits.

Imports `readers/`, `arm/` and below. What is asked of Site Recovery goes here; what is derived or decided does not.
"""
