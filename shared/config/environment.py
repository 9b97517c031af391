"""The environment variables: the settings are read from them once, when the app loads.

A wrong or missing setting stops the app with one message that lists all of them; so does a `DR_` variable that is not
a setting, since a misspelt `DR_PAUSED` must not go unnoticed.
"""

import json
import os
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.config.settings import Settings
from shared.model.names import Names as NameTemplates

_BY_PLATFORM = {"deployment": "WEBSITE_SITE_NAME", "origin_store": "AzureWebJobsStorage__blobServiceUri"}
"""Variables of the platform that stand in for settings."""


class SettingsError(ValueError):
    """The app cannot start: its message lists every setting that is wrong or missing."""


def load_settings() -> Settings:
    """Reads the environment. Raises SettingsError."""
    problems = [f"{name}: not a setting of this app" for name in sorted(os.environ) if _is_unknown(name)]
    # An empty setting counts as unset: templates write those.
    given: dict[str, Any] = {field: os.environ[name] for name, field in _variables().items() if os.environ.get(name)}
    given |= {
        field: os.environ[name] for field, name in _BY_PLATFORM.items() if field not in given and os.environ.get(name)
    }
    settings = None
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += [_in_words(problem) for problem in error.errors()]
    if settings and settings.entra_auth is not authentication_is_on():
        problems.append(
            f"DR_ENTRA_AUTH: {as_text(settings.entra_auth)}, but the platform says WEBSITE_AUTH_ENABLED="
            f"{os.environ.get('WEBSITE_AUTH_ENABLED', '')!r}: switch App Service authentication and this setting on or "
            "off together"
        )
    if problems or settings is None:
        known = ", ".join(sorted(_variables()))
        raise SettingsError(
            "\n  ".join(["The app cannot start, because of these settings:", *problems, f"Known: {known}"])
        )
    return settings


def authentication_is_on() -> bool:
    """Whether the platform checks the callers' tokens: it sets this variable itself."""
    return os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"


def page_url() -> str:
    """The address of the operators' page, by the host name that the platform tells; "" if it tells none."""
    name = os.environ.get("WEBSITE_HOSTNAME", "")
    return f"{'http' if name.startswith('localhost:') else 'https'}://{name}/api/ui/" if name else ""


def _variables() -> dict[str, str]:
    """The environment variables and their fields."""
    return {f"DR_{field.upper()}": field for field in Settings.model_fields}


def _is_unknown(variable: str) -> bool:
    return variable.startswith("DR_") and variable not in _variables()


def _in_words(problem: Any) -> str:
    if not problem["loc"]:
        # A rule over several settings: its message begins with the one to fix.
        field, _, text = problem["msg"].removeprefix("Value error, ").partition(":")
        name, _, inside_it = field.partition(" ")
        return f"DR_{name.upper()} {inside_it}".rstrip() + f": {text.strip()}"
    field, *inside = map(str, problem["loc"])
    allowed = Settings.model_fields[field].description
    name = f"DR_{field.upper()}"
    if problem["type"] == "missing":
        return f"{name}: missing; needed: {allowed}"
    reason = problem["msg"].removeprefix("Value error, ")
    where = f" at {'.'.join(inside)}" if inside and field in {"profiles", "region_map", "prices", "names"} else ""
    return f"{name}{where}: given {os.environ.get(name, '')!r}: {reason}; allowed: {allowed}"


def as_text(default: object) -> str:
    """A default as one would write it into the environment; `none` for an empty one."""
    if default is None or default in ({}, "", frozenset(), ()):
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default)
    if isinstance(default, dict):
        return json.dumps({name: {} for name in default})
    if isinstance(default, NameTemplates):
        return "{}"  # the templates have a table of their own
    return default.model_dump_json(by_alias=True, exclude_none=True) if isinstance(default, BaseModel) else str(default)
