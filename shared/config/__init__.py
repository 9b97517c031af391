"""Settings, profiles, the region map, prices, and the table of override options: what an operator may configure.

Imports `model/`. The environment is read here and nowhere else. The next setting is a field of `settings.py`, the next
override a row of `override_options.py`, the next interval a line of `intervals.py`.
"""
