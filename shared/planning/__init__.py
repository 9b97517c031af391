"""What the protection of a VM is to look like: overrides by layer, target settings, preflight, dependency waves.

Pure: reads no environment, writes no log; settings and names come in as arguments. Imports `config/` and `model/`. The
next derived setting goes to the module of its subject, the next preflight check to `preflight.py` or
`vm_support.py`. The next finding is a row of `catalog.py` (of a sweep), `run_findings.py` or `support_findings.py`, and
is made of it where it is found.
"""
