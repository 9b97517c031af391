"""Settings, profiles, the region map, prices, the tables of override options and support rules: what may be configured.

Imports `model/`. The environment is read here and nowhere else. The next setting is a field of `settings.py`, the next
override a row of `override_options.py`, the next support rule one of `support_rules.py`, the next interval a line of
`intervals.py`.
"""
