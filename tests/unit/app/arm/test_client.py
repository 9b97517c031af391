"""The guard that every write passes: what the settings do not allow is never sent."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError
from shared.model.resource_id import VAULT, ResourceId
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import ELSEWHERE, NIC, SUBSCRIPTION, VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer

TARGETS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr"
INSIDE = ResourceId(f"{TARGETS}/providers/Microsoft.Network/virtualNetworks/vnet-asr")
OUTSIDE = ResourceId.of(ELSEWHERE, "web-asr")


def azure(**changes: object) -> Azure:
    return Azure(settings(target_scope=TARGETS, **changes))


def refused(call: object) -> str:
    with pytest.raises(WriteRefusedError) as error:
        call()  # type: ignore[operator]
    return error.value.error.code


def test_a_write_in_the_target_scope_passes() -> None:
    azure().check_write(INSIDE, ResourceId(TARGETS), ResourceId(str(INSIDE).upper()))


def test_a_write_to_the_vault_and_what_is_in_it_passes_wherever_the_vault_is() -> None:
    fabric = VAULT_ID.child("replicationFabrics", "east")

    azure().check_write(VAULT_ID, fabric, ResourceId(str(fabric).lower()))


@pytest.mark.parametrize(
    "target",
    [
        OUTSIDE,
        VM_ID,
        ResourceId.of(SUBSCRIPTION, "web-asr-2"),
        ResourceId.of(SUBSCRIPTION, "dr"),
        ResourceId.of(SUBSCRIPTION, "dr", VAULT, "another"),
        ResourceId.of(SUBSCRIPTION, "dr", VAULT, "vault-2"),
        ResourceId.of(SUBSCRIPTION, "dr", VAULT, "vault2").child("replicationFabrics", "east"),
    ],
    ids=str,
)
def test_a_write_anywhere_else_is_refused(target: ResourceId) -> None:
    assert refused(lambda: azure().check_write(target)) == "TargetOutOfScope"


def test_one_target_outside_is_enough_to_refuse_all() -> None:
    assert refused(lambda: azure().check_write(INSIDE, OUTSIDE)) == "TargetOutOfScope"


def test_a_vm_is_written_to_in_the_source_scope_only() -> None:
    azure().check_vm_write(VM_ID)
    elsewhere = ResourceId(str(VM_ID).replace(SUBSCRIPTION, ELSEWHERE))

    assert refused(lambda: azure().check_vm_write(elsewhere)) == "OutOfScope"


@pytest.mark.parametrize("off", [{"paused": True}, {"mode": "report"}])
def test_pause_and_report_mode_stop_every_write(off: dict[str, object]) -> None:
    stopped = azure(**off)

    assert refused(lambda: stopped.check_write(INSIDE)) == "WritesDisabled"
    assert refused(lambda: stopped.check_write()) == "WritesDisabled"
    assert refused(lambda: stopped.check_vm_write(VM_ID)) == "WritesDisabled"


def test_what_is_known_of_a_vault_is_shared_by_all_its_vms() -> None:
    one = azure()

    assert vault_of(one, VAULT_ID) is vault_of(one, ResourceId(str(VAULT_ID).lower()))


async def test_a_shared_read_is_asked_once_for_each_key() -> None:
    asked = []

    async def read() -> str:
        asked.append(1)
        return "eastus"

    one = azure()

    assert [await one.shared("group/a", read) for _ in range(3)] == ["eastus"] * 3
    await one.shared("group/b", read)
    assert len(asked) == 2


async def test_clients_are_made_once_for_each_kind_and_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://localhost:1/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    one = azure()

    assert one.resources(SUBSCRIPTION) is one.resources(SUBSCRIPTION.upper())
    assert one.resources(SUBSCRIPTION) is not one.resources(ELSEWHERE)
    assert one.site_recovery(SUBSCRIPTION) is one.site_recovery(SUBSCRIPTION)
    await one.close()


# Plain reads


class Pages(Azure):
    """Answers page by page, and remembers what it was asked."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        super().__init__(settings())
        self.pages = list(pages)
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def get(self, path: str, api_version: str, **query: str) -> dict[str, Any]:
        assert api_version == "2020-05-01"
        self.asked.append((path, query))
        return self.pages.pop(0)


@pytest.mark.parametrize("host", ["https://management.azure.com", "https://MANAGEMENT.azure.com:443", ""])
async def test_all_pages_of_a_list_are_read(host: str) -> None:
    following = "/x?api-version=2020-05-01&$skipToken=a%3D%3D&%24top=2"
    azure = Pages({"value": [{"id": 1}], "nextLink": host + following}, {"value": [], "nextLink": None})

    assert [each async for each in azure.list("/locks", "2020-05-01", top="2")] == [{"id": 1}]
    assert azure.asked == [("/locks", {"top": "2"}), (following, {})]


async def test_a_resource_is_remembered_for_as_long_as_the_caller_takes_it_and_forgotten_when_written() -> None:
    cloud = Cloud()
    fake = FakeAzure(settings(), cloud)

    for within in (30, 30, 0):
        assert await fake.read(NIC, "2026-03-01", within)
    assert cloud.reads == [str(NIC)] * 2
    fake.forget_resource(NIC)
    assert await fake.read(ResourceId(str(NIC).upper()), "2026-03-01", 30)
    assert len(cloud.reads) == 3


async def test_a_resource_that_is_not_there_is_none_and_one_that_cannot_be_read_is_not() -> None:
    cloud = Cloud()
    fake = FakeAzure(settings(), cloud)

    assert await fake.read(INSIDE, "2026-03-01", 30) is None
    cloud.faults["read"] = answer(403, "AuthorizationFailed")
    with pytest.raises(HttpResponseError):
        await fake.read(INSIDE, "2026-03-01", 0)
