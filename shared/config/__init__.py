"""Settings, profiles, the region map, prices, the tables of override options and support rules: what may be configured.

Imports `model/`. The `DR_` variables are read by `environment.py` and nowhere else; `arm/` reads only variables of the
platform (identity, telemetry). The next setting is a field of `settings.py`, the next override a row of
`override_options.py`, the next support rule one of `support_rules.py`, the next interval a line of `intervals.py`.
"""
