"""Access keys: created at the first start, kept in the state directory, checked in requests."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

KEY_HEADER = "x-functions-key"
SYSTEM_KEYS = ("eventgrid_extension", "durabletask_extension")
MASTER = "admin"


@dataclass(frozen=True)
class Keys:
    """The host's keys. The master key permits everything."""

    master: str
    function: dict[str, str]
    system: dict[str, str]

    def level(self, request: web.Request) -> str | None:
        """The level of a request's key: `admin`, `function`, the name of a system key, or None. A header overrides the
        query, even with an invalid key."""
        codes = (value for name, value in request.query.items() if name.lower() == "code")
        given = (request.headers.get(KEY_HEADER) if KEY_HEADER in request.headers else next(codes, None)) or ""
        known = [(MASTER, self.master), *(("function", key) for key in self.function.values()), *self.system.items()]
        return next((level for level, key in known if secrets.compare_digest(given.encode(), key.encode())), None)

    def refusal(self, request: web.Request, level: str) -> web.Response | None:
        """The error response unless the request has the master key or the system key of this name; None permits it."""
        given = self.level(request)
        if given in (level, MASTER):
            return None
        if given:
            return web.Response(status=403)
        return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})


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
