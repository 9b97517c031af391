"""Azure role-based access control: the action that a request needs, its scope, and whether the caller has it.

Disabled until roles are loaded. Then it applies to principals that have an assignment; all others may do everything.
"""

from local.simulator.access.control import Access

__all__ = ["Access"]
