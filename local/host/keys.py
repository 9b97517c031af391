"""Access keys: made at first start, kept in the state directory, checked in requests."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

KEY_HEADER = "x-functions-key"
SYSTEM_KEYS = ("eventgrid_extension", "durabletask_extension")


@dataclass(frozen=True)
class Keys:
    """The host's keys. The master key opens every door."""

    master: str
    function: dict[str, str]
    system: dict[str, str]

    def opens(self, request: web.Request, level: str) -> bool:
        """Whether the request may pass a door of an auth level, or of the system key of that name."""
        if level == "anonymous":
            return True
        given = (request.query.get("code") or request.headers.get(KEY_HEADER) or "").encode()
        accepted = [self.master]
        if level == "function":
            accepted += self.function.values()
        elif level in self.system:
            accepted.append(self.system[level])
        return any(secrets.compare_digest(given, key.encode()) for key in accepted)


def load_keys(path: Path) -> Keys:
    """Reads the keys; makes the file, readable by its owner only, when there is none."""
    if not path.exists():
        keys: dict[str, Any] = {
            "master": secrets.token_urlsafe(32),
            "function": {"default": secrets.token_urlsafe(32)},
            "system": {name: secrets.token_urlsafe(32) for name in SYSTEM_KEYS},
        }
        temporary = path.with_suffix(".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(keys, file, indent=2)
        temporary.replace(path)
    return Keys(**json.loads(path.read_text()))
