"""The operators' page: the files of `ui/`, to anyone, because none holds data. What they show comes by the API."""

import gzip
import hashlib
import json
from functools import cache
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import azure.functions as func

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
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing inline, nothing from elsewhere, in no frame; and no text becomes HTML: no policy of trusted types may be
made."""

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}


class _File(NamedTuple):
    body: bytes
    packed: bytes
    kind: str
    etag: str


def page(request: func.HttpRequest) -> func.HttpResponse:
    """A file of the list in infra/page.json, the shell without a name; 304 if the caller has it, 404 for any other."""
    file = _files().get(request.route_params.get("path") or _SHELL)
    if file is None:
        return func.HttpResponse("There is no such file.", status_code=HTTPStatus.NOT_FOUND, headers=_HEADERS)
    headers = {**_HEADERS, "ETag": file.etag}
    known = {tag.strip().removeprefix("W/") for tag in (request.headers.get("If-None-Match") or "").split(",")}
    if file.etag in known:
        return func.HttpResponse(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    body = file.body
    if "gzip" in (request.headers.get("Accept-Encoding") or ""):
        body, headers["Content-Encoding"] = file.packed, "gzip"
    return func.HttpResponse(body, headers=headers, mimetype=file.kind, charset="utf-8")


@cache
def _files() -> dict[str, _File]:
    """By name. Read once, at the first request: no other trigger pays for it."""
    return {name: _read(name) for name in json.loads((_APP / "infra" / "page.json").read_text())}


def _read(name: str) -> _File:
    body = (_APP / "ui" / name).read_bytes()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return _File(body, gzip.compress(body, mtime=0), _TYPES[PurePosixPath(name).suffix], etag)
