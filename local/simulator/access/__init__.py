"""Azure role-based access control: which action a request takes, where, and whether who asks may.

Off until roles are loaded, and then only for principals that have an assignment: everybody else is free.
"""

from local.simulator.access.control import Access

__all__ = ["Access"]
