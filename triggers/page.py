"""The operators' page: the files of `ui/`, to anyone, because none holds data. What they show comes by the API."""

import gzip
import hashlib
import json
from functools import cache
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

import azure.functions as func

from shared.config.settings import Settings

_APP = Path(__file__).parent.parent
_SHELL = "index.html"
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{entra}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing inline, nothing from elsewhere, in no frame; and no text becomes HTML: no policy of trusted types may be
made. Where Entra is on, its host alone is asked, for tokens: MSAL.js does that without a frame, a form or a script."""

_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}


_HEAD_ENDS = b"  </head>"
_ENTRA = '    <meta name="entra" data-authority="{}" data-client-id="{}">\n'
"""In the shell, where Entra is on: `ui/session.js` reads it. None of it is a secret."""


class _File(NamedTuple):
    body: bytes
    packed: bytes
    kind: str
    etag: str


def page(settings: Settings, request: func.HttpRequest) -> func.HttpResponse:
    """A file of the list in infra/page.json, the shell without a name; 304 if the caller has it, 404 for any other."""
    authority = settings.auth_authority if settings.entra_auth and settings.auth_client_id else ""
    origin = f" https://{urlsplit(authority).netloc}" if authority else ""
    headers = {**_HEADERS, "Content-Security-Policy": _POLICY.format(entra=origin)}
    entra = _ENTRA.format(authority, settings.auth_client_id) if settings.entra_auth else ""
    file = _files(entra).get(request.route_params.get("path") or _SHELL)
    if file is None:
        return func.HttpResponse("There is no such file.", status_code=HTTPStatus.NOT_FOUND, headers=headers)
    headers["ETag"] = file.etag
    known = {tag.strip().removeprefix("W/") for tag in (request.headers.get("If-None-Match") or "").split(",")}
    if file.etag in known:
        return func.HttpResponse(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    body = file.body
    if "gzip" in (request.headers.get("Accept-Encoding") or ""):
        body, headers["Content-Encoding"] = file.packed, "gzip"
    return func.HttpResponse(body, headers=headers, mimetype=file.kind, charset="utf-8")


@cache
def _files(entra: str) -> dict[str, _File]:
    """By name. Read once, at the first request: no other trigger pays for it."""
    return {name: _read(name, entra) for name in json.loads((_APP / "infra" / "page.json").read_text())}


def _read(name: str, entra: str) -> _File:
    body = (_APP / "ui" / name).read_bytes()
    if name == _SHELL:
        body = body.replace(_HEAD_ENDS, entra.encode() + _HEAD_ENDS)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return _File(body, gzip.compress(body, mtime=0), _TYPES[PurePosixPath(name).suffix], etag)
