"""The function that serves the operators' page: to anyone, the files of a list and nothing else, and no data."""

import gzip
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from local.stack import APP
from tests.unit.app.examples import settings
from triggers.page import page

FILES = json.loads((APP / "infra" / "page.json").read_text())
MSAL, UPLOT = "vendor/msal-browser.min.js", "vendor/uplot.mjs"
"""Loaded when they are needed: by `session.js` only where Entra is on, and by the first chart."""
LARGEST, LARGEST_WITH_MSAL = 75_000, 160_000
"""Of all files together, in bytes, as they are sent: packed."""
CLIENT = "66666666-6666-4666-8666-666666666666"
TENANT = "22222222-2222-4222-8222-222222222222"


def ask(path: str, entra: Mapping[str, Any] | None = None, **headers: str) -> func.HttpResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = func.HttpRequest("GET", f"/api/ui/{path}", headers=given, route_params={"path": path}, body=b"")
    return page(settings(**(entra or {})), request)


def policy_of(response: func.HttpResponse) -> dict[str, list[str]]:
    return {part.split()[0]: part.split()[1:] for part in response.headers["Content-Security-Policy"].split(";")}


def test_the_list_is_the_folder() -> None:
    there = {file.relative_to(APP / "ui").as_posix() for file in (APP / "ui").rglob("*") if file.is_file()}

    assert sorted(there - {"vendor/manifest.json"}) == FILES


def test_every_other_module_is_loaded_at_once_and_not_when_another_names_it() -> None:
    named = set(re.findall(r'(?:href|src)="/api/ui/([^"]+)"', (APP / "ui" / "index.html").read_text()))

    assert {name for name in FILES if name.endswith("js")} - named == {MSAL, UPLOT}
    assert b"msal" not in b"".join(ask(name).get_body() for name in named - {"session.js"})
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
    policy = policy_of(response)
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert {each for values in policy.values() for each in values} == {"'none'", "'self'", "'script'"}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in response.headers
    assert b'name="entra"' not in response.get_body()


@pytest.mark.parametrize(
    "host", ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"]
)
def test_with_entra_the_shell_says_where_to_sign_in_and_may_ask_that_host_alone(host: str) -> None:
    entra = {"entra_auth": True, "auth_client_id": CLIENT, "auth_authority": f"https://{host}/{TENANT}"}
    without, response = ask(""), ask("", entra)

    said = f'<meta name="entra" data-authority="https://{host}/{TENANT}" data-client-id="{CLIENT}">'
    assert response.get_body().decode().count(said) == 1
    assert response.headers["ETag"] != without.headers["ETag"]
    assert policy_of(response) == {**policy_of(without), "connect-src": ["'self'", f"https://{host}"]}
    assert ask("app.js", entra).get_body() == ask("app.js").get_body()


def test_entra_without_an_application_leads_nowhere_and_an_application_without_entra_is_not_said() -> None:
    application = {"auth_client_id": CLIENT, "auth_authority": f"https://login.microsoftonline.com/{TENANT}"}

    for name in application:
        half = {**application, name: "", "entra_auth": True}
        assert b'<meta name="entra" data-authority="" ' in ask("", half).get_body()
        assert policy_of(ask("", half)) == policy_of(ask(""))
    assert ask("", application).get_body() == ask("").get_body()
    assert policy_of(ask("", application)) == policy_of(ask(""))


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
    sizes = {name: len(ask(name, accept_encoding="gzip").get_body()) for name in FILES}

    assert sum(sizes.values()) <= LARGEST_WITH_MSAL
    assert sum(sizes.values()) - sizes[MSAL] <= LARGEST
