"""Every response writes the ID of a VM as Azure does, whatever casing its caller, its item or the settings have."""

import json
from collections.abc import Awaitable
from typing import Any

import azure.functions as func
import pytest

from shared.model.resource_id import ResourceId
from tests.unit.app.asking import get, post
from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, our_item_name
from tests.unit.app.fake_durable import FakeDurableClient, FakeHub
from triggers.compliance import get_compliance
from triggers.plan import post_plan
from triggers.protection import get_protection, put_protection
from triggers.protections_plan import post_protections_plan

OTHER = ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, "web-2")
LOUD = f"{VAULT_ID.text.rsplit('/', 1)[0]}/{VAULT_ID.name.upper()}"


@pytest.fixture
def azure() -> FakeAzure:
    """A protected VM, and one that is not."""
    cloud = Cloud()
    cloud.add_vm({"dr": "true"})
    cloud.add_vm({"dr": "true"}, vm=OTHER)
    cloud.add_region_pair()
    cloud.vault["replication_protected_items"].append(
        item_body("Protected", our_item_name(), fabricObjectId=str(VM_ID).lower())
    )
    return FakeAzure(settings(vault_ids=LOUD), cloud)


def request(method: str = "GET", tail: str = "") -> func.HttpRequest:
    route = {"subscription": SUBSCRIPTION.upper(), "group": "WEB", "name": "Web-1"}
    headers = {"Content-Type": "application/json"}
    return func.HttpRequest(method, f"https://app/api/x{tail}", headers=headers, route_params=route, body=b"")


def ids_in(body: Any) -> list[str]:
    """Every text in it that begins as an ID does."""
    if isinstance(body, dict):
        return [found for value in body.values() for found in ids_in(value)]
    if isinstance(body, list):
        return [found for value in body for found in ids_in(value)]
    return [body] if isinstance(body, str) and body.startswith("/subscriptions/") else []


def responses(azure: FakeAzure) -> dict[str, Awaitable[func.HttpResponse]]:
    many = post("protections/plan", {"virtualMachines": [str(VM_ID).upper(), str(OTHER)]})
    return {
        "get": get_protection(azure, FakeDurableClient(), request()),
        "put": put_protection(azure, FakeDurableClient(), request("PUT")),
        "plan": post_plan(azure, request("POST", "/plan")),
        "plans": post_protections_plan(azure, many),
        "compliance": get_compliance(azure, FakeHub(), get("compliance")),
    }


@pytest.mark.parametrize("route", ["get", "put", "plan", "plans", "compliance"])
async def test_an_id_has_one_casing_in_every_response(azure: FakeAzure, route: str) -> None:
    every = responses(azure)
    response = await every.pop(route)
    for unused in every.values():
        unused.close()  # type: ignore[attr-defined]

    found = ids_in(json.loads(response.get_body()))

    assert response.status_code in {200, 202}, response.get_body()
    assert str(VM_ID) in found
    for vm in (VM_ID, OTHER):
        assert {each for each in found if each.lower() == vm.key} <= {str(vm)}
    assert {each for each in found if each.lower() == VAULT_ID.key} <= {LOUD}
