"""Who is let in: the app roles, and the level of authentication that the host demands."""

from enum import StrEnum

import azure.functions as func

from shared.config.environment import authentication_is_on


class Role(StrEnum):
    """App roles of the Entra application (infra/app-roles.json). A role that may change something may also read."""

    READ = "dr.read"
    ENABLE = "dr.enable"
    DISABLE = "dr.disable"
    SWEEP = "dr.sweep"
    DRILL = "dr.drill"


def auth_level() -> func.AuthLevel:
    """The authentication level of the host: a function key, unless the platform requires a token."""
    return func.AuthLevel.ANONYMOUS if authentication_is_on() else func.AuthLevel.FUNCTION
