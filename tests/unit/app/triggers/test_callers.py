"""Who may ask for what: by the roles in a token where the platform checks tokens, and never by a header without it."""

import base64
import importlib
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.http import HttpTrigger
from hypothesis import given
from hypothesis import strategies as st

from shared.config.environment import SettingsError
from shared.model.caller import Caller, CallerKind, Via
from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID, settings
from triggers import openapi
from triggers.callers import caller_of, check_caller
from triggers.problems import Problem
from triggers.roles import Role, auth_level

HEADER = "X-MS-CLIENT-PRINCIPAL"
LONG = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


@pytest.fixture
def authentication(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    monkeypatch.setenv("DR_ENTRA_AUTH", "true")


def principal(*roles: str, claim: str = "roles", provider: str = "aad") -> str:
    claims = [{"typ": "name", "val": "Kim"}, *({"typ": claim, "val": role} for role in roles)]
    return base64.b64encode(json.dumps({"auth_typ": provider, "claims": claims}).encode()).decode()


def request(header: str | None) -> func.HttpRequest:
    headers = {} if header is None else {HEADER: header}
    return func.HttpRequest("GET", "https://app.example/api/compliance", headers=headers, body=b"")


def refusal(header: str | None, needed: Role) -> Any:
    with pytest.raises(Problem) as caught:
        check_caller(request(header), needed)
    return caught.value.document


@pytest.mark.usefixtures("authentication")
@pytest.mark.parametrize("claim", ["roles", LONG])
@pytest.mark.parametrize(
    ("held", "allowed"),
    [
        ((), set()),
        (("dr.read",), {Role.READ}),
        (("dr.enable",), {Role.READ, Role.ENABLE}),
        (("dr.disable",), {Role.READ, Role.DISABLE}),
        (("dr.sweep",), {Role.READ, Role.SWEEP}),
        (("dr.drill",), {Role.READ, Role.DRILL}),
        (("dr.enable", "dr.disable", "dr.drill"), set(Role) - {Role.SWEEP}),
        (("admin", "DR.ENABLE", "dr.enable "), set()),
    ],
)
def test_a_caller_may_what_the_roles_say(held: tuple[str, ...], allowed: set[Role], claim: str) -> None:
    header = principal(*held, claim=claim)
    for role in allowed:
        check_caller(request(header), role)
    for role in set(Role) - allowed:
        document = refusal(header, role)
        assert (document["status"], document["code"]) == (403, "RoleMissing")
        assert role in document["detail"]


@pytest.mark.usefixtures("authentication")
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "dr.read",
        "not base64!",
        base64.b64encode(b"not json").decode(),
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"auth_typ": "aad", "claims": null}').decode(),
        base64.b64encode(b'{"auth_typ": "aad", "claims": [{"typ": "roles"}]}').decode(),
        base64.b64encode(b'{"auth_typ": "aad", "claims": [{"typ": "roles", "val": ["dr.read"]}]}').decode(),
        principal("dr.read", provider="github"),
    ],
)
def test_any_client_the_platform_does_not_know_is_asked_for_a_token(header: str | None) -> None:
    document = refusal(header, Role.READ)

    assert (document["status"], document["code"]) == (401, "Unauthenticated")


@pytest.mark.usefixtures("authentication")
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode()))
def test_no_header_that_is_made_up_is_let_through(header: str) -> None:
    for role in Role:
        assert refusal(header, role)["status"] in {401, 403}


@pytest.mark.parametrize("says", [None, "", "False", "1"])
def test_without_authentication_keys_are_asked_for_and_the_header_says_nothing(
    says: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)
    if says is not None:
        monkeypatch.setenv("WEBSITE_AUTH_ENABLED", says)

    assert auth_level() is func.AuthLevel.FUNCTION
    for header in (None, principal(), principal("dr.read"), "nonsense"):
        check_caller(request(header), Role.DISABLE)


@pytest.fixture
def function_app(monkeypatch: pytest.MonkeyPatch, authentication: None) -> Iterator[ModuleType]:  # noqa: ARG001
    monkeypatch.setenv("DR_VAULT_IDS", str(VAULT_ID))
    monkeypatch.setenv("DR_SOURCE_SCOPE", f"/subscriptions/{SUBSCRIPTION}")
    monkeypatch.setenv("DR_TARGET_SCOPE", f"/subscriptions/{SUBSCRIPTION}")
    monkeypatch.setenv("DR_DEPLOYMENT", "func-1")
    monkeypatch.setenv("DR_ORIGIN_STORE", "/nowhere")
    monkeypatch.delitem(sys.modules, "function_app", raising=False)
    yield importlib.import_module("function_app")
    sys.modules.pop("function_app", None)


@pytest.mark.usefixtures("authentication")
def test_an_app_that_was_not_told_of_entra_does_not_start_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the platform that anyone who may write the app's settings can write opens no trigger by itself."""
    monkeypatch.delenv("DR_ENTRA_AUTH")
    monkeypatch.setenv("DR_VAULT_IDS", str(VAULT_ID))
    monkeypatch.setenv("DR_SOURCE_SCOPE", f"/subscriptions/{SUBSCRIPTION}")
    monkeypatch.setenv("DR_TARGET_SCOPE", f"/subscriptions/{SUBSCRIPTION}")
    monkeypatch.delitem(sys.modules, "function_app", raising=False)

    with pytest.raises(SettingsError, match="DR_ENTRA_AUTH"):
        importlib.import_module("function_app")


async def test_every_http_trigger_asks_who_calls(function_app: ModuleType) -> None:
    """With authentication on the host lets everybody through to the door: none may forget to ask."""
    asked = 0
    for function in function_app.app.get_functions():
        trigger = function.get_trigger()
        # The page holds no data.
        if not isinstance(trigger, HttpTrigger) or function.get_function_name() == "get_page":
            continue
        assert trigger.auth_level is func.AuthLevel.ANONYMOUS, function.get_function_name()
        door: Any = function.get_user_function()
        bindings = [None] if hasattr(door, "client_function") else []
        response = await getattr(door, "client_function", door)(request(None), *bindings)
        assert response.status_code == 401, function.get_function_name()
        assert response.headers["WWW-Authenticate"] == "Bearer"
        asked += 1
    assert asked >= 4


@pytest.mark.usefixtures("authentication")
def test_the_openapi_document_asks_for_what_is_asked_for() -> None:
    assert openapi.document(settings())["security"] == [{"token": []}]


OBJECT_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def by(*claims: tuple[str, str]) -> func.HttpRequest:
    principal = {"auth_typ": "aad", "claims": [{"typ": name, "val": value} for name, value in claims]}
    return request(base64.b64encode(json.dumps(principal).encode()).decode())


@pytest.mark.usefixtures("authentication")
@pytest.mark.parametrize(
    ("claims", "kind", "object_id"),
    [
        ([("oid", OBJECT_ID), ("scp", "user_impersonation")], CallerKind.USER, OBJECT_ID),
        (
            [
                ("http://schemas.microsoft.com/identity/claims/objectidentifier", OBJECT_ID.upper()),
                ("http://schemas.microsoft.com/identity/claims/scope", "x"),
            ],
            CallerKind.USER,
            OBJECT_ID,
        ),
        ([("oid", OBJECT_ID), ("roles", "dr.enable")], CallerKind.APPLICATION, OBJECT_ID),
        ([("oid", "alice@contoso.example"), ("name", "Alice")], CallerKind.APPLICATION, ""),
    ],
)
def test_who_asks_is_the_object_id_of_the_token(
    claims: list[tuple[str, str]], kind: CallerKind, object_id: str
) -> None:
    assert caller_of(by(*claims)) == Caller(kind=kind, via=Via.HTTP, id=object_id)


def test_a_function_key_says_nothing_more_and_a_made_up_header_nothing() -> None:
    assert caller_of(by(("oid", OBJECT_ID))) == Caller(kind=CallerKind.FUNCTION_KEY, via=Via.HTTP)
