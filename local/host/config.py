"""Reads host.json and local.settings.json, and defines the error that prevents the start."""

import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOG_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}


_OVERRIDE = "AzureFunctionsJobHost"


class HostError(Exception):
    """The host cannot start; the text is the reason."""


@dataclass(frozen=True)
class HostConfig:
    """The supported settings of host.json, with the platform's defaults.

    `durable_options` is `extensions.durableTask` unchanged.
    """

    route_prefix: str
    hub_name: str
    max_orchestrators: int
    max_activities: int
    default_version: str | None
    log_level: int
    durable_options: dict[str, Any]


def load_config(app: Path) -> HostConfig:
    """Reads host.json of the app directory. Raises HostError."""
    path = app / "host.json"
    if not path.is_file():
        raise HostError(f"{path} is missing: {app} is no function app")
    host = _read_json(path)
    if host.get("version") != "2.0":
        raise HostError(f'{path}: "version" must be "2.0", not {host.get("version")!r}')
    _override(host, os.environ)
    extensions = host.get("extensions", {})
    durable = extensions.get("durableTask", {})
    default_limit = 10 * (os.cpu_count() or 1)
    return HostConfig(
        route_prefix=extensions.get("http", {}).get("routePrefix", "api").strip("/"),
        hub_name=_hub_name(path, durable.get("hubName", "TestHubName")),
        max_orchestrators=_limit(path, durable, "maxConcurrentOrchestratorFunctions", default_limit),
        max_activities=_limit(path, durable, "maxConcurrentActivityFunctions", default_limit),
        default_version=durable.get("defaultVersion"),
        log_level=_log_level(path, host.get("logging", {}).get("logLevel", {}).get("default", "Information")),
        durable_options=durable,
    )


def _override(host: dict[str, Any], settings: Mapping[str, str]) -> None:
    """`AzureFunctionsJobHost__a__b` in the environment is a.b of host.json, as on the platform."""
    for name, value in settings.items():
        first, *path = name.split("__")
        if first == _OVERRIDE and path:
            section = host
            for part in path[:-1]:
                section = section.setdefault(part, {})
            section[path[-1]] = int(value) if value.isdecimal() else value


def load_local_settings(app: Path) -> None:
    """Puts `Values` of local.settings.json into the environment, without overriding it. Raises HostError."""
    path = app / "local.settings.json"
    os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
    if not path.is_file():
        return
    settings = _read_json(path)
    if settings.get("IsEncrypted"):
        raise HostError(f"{path} is encrypted: decrypt it with `func settings decrypt`")
    for name, value in settings.get("Values", {}).items():
        if not isinstance(value, str):
            raise HostError(f"{path}: the value of {name!r} must be a string, not {value!r}")
        os.environ.setdefault(name, value)


def resolve_setting(text: str) -> str:
    """Replaces `%NAME%` by the setting of that name, as the platform does in bindings. Raises HostError."""

    def value(match: re.Match[str]) -> str:
        if (found := os.environ.get(match[1])) is None:
            raise HostError(f"'%{match[1]}%' does not resolve to a value: there is no such setting")
        return found

    return re.sub(r"%([^%\s]+)%", value, text)


def is_disabled(function: str) -> bool:
    """Whether the setting `AzureWebJobs_<function>_Disabled` (dots are underscores on Linux) disables a function."""
    names = {f"azurewebjobs.{function}.disabled".lower(), f"azurewebjobs_{function}_disabled".lower()}
    return any(name.lower() in names and value.lower() in ("1", "true") for name, value in os.environ.items())


def _read_json(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise HostError(f"{path} cannot be read: {error}") from error
    if not isinstance(body, dict):
        raise HostError(f"{path} must hold a JSON object")
    return body


def _limit(path: Path, durable: dict[str, Any], name: str, default: int) -> int:
    value = durable.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise HostError(f"{path}: extensions.durableTask.{name} must be a whole number from 1, not {value!r}")
    return value


def _hub_name(path: Path, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,44}", name):
        raise HostError(
            f"{path}: extensions.durableTask.hubName must be 3 to 45 letters and digits, a letter first, not {name!r}"
        )
    return name


def _log_level(path: Path, default: str) -> int:
    name = os.environ.get("LOG_LEVEL", default)
    if (level := LOG_LEVELS.get(name.lower())) is None:
        raise HostError(f"{path} or LOG_LEVEL: unknown log level {name!r}, one of {', '.join(LOG_LEVELS)}")
    return level
