"""What is reported: outcome events, metrics, the audit log. What they contain, not how they are sent (`arm/`).

Pure but for the log lines of `audit_log.py`. Imports `reconcile/` and below. The next metric goes to `metrics.py`.
"""
