"""The function that serves the operators' page: to anyone, the files of a list and nothing else, and no data."""

import gzip
import json
import re
from http import HTTPStatus
from pathlib import Path

import azure.functions as func
import pytest

from local.stack import APP
from triggers.page import page

FILES = json.loads((APP / "infra" / "page.json").read_text())
LARGEST = 75_000
"""Of all files together, in bytes, as they are sent: packed."""


def ask(path: str, **headers: str) -> func.HttpResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return page(func.HttpRequest("GET", f"/api/ui/{path}", headers=given, route_params={"path": path}, body=b""))


def test_the_list_is_the_folder() -> None:
    there = {file.relative_to(APP / "ui").as_posix() for file in (APP / "ui").rglob("*") if file.is_file()}

    assert sorted(there - {"vendor/manifest.json"}) == FILES


def test_every_module_is_loaded_at_once_and_not_when_another_names_it() -> None:
    named = set(re.findall(r'(?:href|src)="/api/ui/([^"]+)"', (APP / "ui" / "index.html").read_text()))

    assert {name for name in FILES if name.endswith("js")} <= named
    assert named <= {*FILES}


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_served_as_what_it_is_and_once(name: str) -> None:
    response = ask(name)

    assert response.status_code == HTTPStatus.OK
    assert response.get_body() == (APP / "ui" / name).read_bytes()
    kinds = {"html": "text/html", "css": "text/css", "svg": "image/svg+xml", "txt": "text/plain"}
    assert response.mimetype == kinds.get(Path(name).suffix[1:], "text/javascript")
    packed = ask(name, accept_encoding="br, gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.get_body()) == response.get_body()
    again = ask(name, if_none_match=f'"other", W/{response.headers["ETag"]}')
    assert (again.status_code, again.get_body()) == (HTTPStatus.NOT_MODIFIED, b"")


@pytest.mark.parametrize("path", ["", "index.html"])
def test_the_shell_is_the_page_itself_and_may_be_in_no_frame(path: str) -> None:
    response = ask(path)

    assert b'<div id="app">' in response.get_body()
    policy = {part.split()[0]: part.split()[1:] for part in response.headers["Content-Security-Policy"].split(";")}
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert {each for values in policy.values() for each in values} == {"'none'", "'self'", "'script'"}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "path",
    [
        *("../function_app.py", "..%2ffunction_app.py", "views/../../host.json", "/etc/passwd", "views", "views/"),
        *("vendor/manifest.json", "APP.JS", "app.js/", "app.js\0", ".", "index.html?x"),
    ],
)
def test_nothing_else_is_served(path: str) -> None:
    response = ask(path)

    assert response.status_code == HTTPStatus.NOT_FOUND
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_the_whole_page_is_small() -> None:
    assert sum(len(ask(name, accept_encoding="gzip").get_body()) for name in FILES) <= LARGEST
