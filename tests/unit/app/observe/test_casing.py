"""IDs in any casing, wherever they come from: settings, events, tags, and every body of Azure."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from activities.remove_orphans import remove_orphans
from shared.config.override_options import CHOICES
from shared.config.settings import Settings
from shared.model import naming
from shared.model.base import Record
from shared.model.resource_id import ResourceId, folded
from shared.model.step_result import StepResult
from shared.observe.inventory import compliance_report
from shared.observe.preview import planned
from shared.observe.vm import observe
from shared.reconcile.sweep import Sweep, SweepReport
from tests.unit.app.examples import DEPLOYMENT, NETWORK, SUBSCRIPTION, TARGET, VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, link_body, lock_body
from tests.unit.app.rows import CACHE, TARGETS, full_item

HUB = ResourceId.of(SUBSCRIPTION, "hub", NETWORK.type, "hub")
ORPHAN = ResourceId.of(SUBSCRIPTION, "old-asr", NETWORK.type, "old-asr")
MADE = {naming.MADE_BY: naming.maker(DEPLOYMENT), naming.MADE_AT: "2026-01-01T00:00:00+00:00"}


def cased(value: Any, random: Random) -> Any:
    """The same with every letter of every ID in either case."""
    if isinstance(value, dict):
        return {name: cased(each, random) for name, each in value.items()}
    if isinstance(value, list):
        return [cased(each, random) for each in value]
    if isinstance(value, str) and value.startswith("/subscriptions/"):
        return "".join(random.choice((letter.lower(), letter.upper())) for letter in value)
    return value


def estate(case: str) -> Cloud:
    """What the app makes most of: a VM with or without its item, a lock, the links of protection, and an orphan."""
    cloud = Cloud()
    cloud.add_region_pair()
    tags = {"dr": "true"} if case != "untagged" else {}
    cloud.add_vm(tags=tags | ({"dr-target-vnet": str(HUB)} if case == "hub" else {}))
    cloud.add(HUB, {"location": TARGET, "properties": {"subnets": [{"name": "web", "properties": {}}]}})
    for kept in (ResourceId(TARGETS), ResourceId(CACHE), ORPHAN, ORPHAN.group_id):
        cloud.add(kept, {"location": TARGET, "tags": MADE, "properties": {}})
    if case in {"protected", "untagged"}:
        cloud.vault["replication_protected_items"].append(full_item())
    if case == "locked":
        cloud.locks.append(lock_body(VM_ID.group_id, "ReadOnly"))
        cloud.links.append(link_body(f"{VAULT_ID}/replicationFabrics/f/replicationProtectedItems/x"))
    if case == "elsewhere":
        other = ResourceId.of(SUBSCRIPTION, "dr", VAULT_ID.type, "other")
        item = f"{other}/replicationFabrics/f/replicationProtectionContainers/c/replicationProtectedItems/i"
        cloud.items_elsewhere.append({"id": item, "source": str(VM_ID), "properties": {"network": str(ORPHAN)}})
    cloud.prove_all()
    return cloud


def shuffled(cloud: Cloud, random: Random) -> None:
    for body in cloud.resources.values():
        body.update(cased(body, random))
    for lists in cloud.vaults.values():
        lists.update(cased(lists, random))
    cloud.locks, cloud.links = cased(cloud.locks, random), cased(cloud.links, random)
    cloud.items_elsewhere = cased(cloud.items_elsewhere, random)


def app(random: Random | None) -> Settings:
    """Settings that name as much as they can."""
    vault, group = str(VAULT_ID), TARGETS
    of_hub = {"values": {"target-vnet": str(HUB)}, "allow": {name: ["*"] for name in CHOICES}}
    given = {
        "vault_ids": vault,
        "source_scope": str(VM_ID.group_id),
        "target_scope": f"/subscriptions/{SUBSCRIPTION}",
        "region_map": {"eastus": {"vault": vault}},
        "profiles": {"hub": of_hub, "default": {"allow": {"target-vnet": [str(HUB.group_id), group]}}},
        "acknowledged_rows": str(VM_ID),
    }
    return settings(**(cased(given, random) if random else given), mode="cleanup", untag_grace_hours=0)


async def decisions(cloud: Cloud, app: Settings, event: ResourceId) -> Any:
    """Everything that is decided about the VM and the orphans, with IDs folded."""
    azure = FakeAzure(app, cloud)
    observed = await observe(azure, event, thorough=True)
    report = await compliance_report(azure)
    found: dict[str, Any] = {"decision": observed.decision, "item": observed.item}
    if not observed.decision.rejects:
        found |= (await planned(azure, observed))._asdict()
    swept: StepResult = await remove_orphans(azure, Sweep(poll_seconds=30, report=SweepReport(read_at=report.read_at)))
    found |= {"statuses": report.vm_statuses, "gaps": report.gaps, "swept": swept, "writes": sorted(cloud.written)}
    return json.loads(folded(json.dumps(found, default=_plain)), object_hook=_without_time)


def _without_time(found: dict[str, Any]) -> dict[str, Any]:
    # A fingerprint digests the texts that were read.
    return {name: value for name, value in found.items() if name not in {"readat", "fingerprint"}}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel | Record):
        return to_jsonable_python(value, fallback=str)
    return sorted(map(str, value))


@pytest.mark.parametrize("case", ["new", "hub", "protected", "untagged", "locked", "elsewhere"])
@budget(max_examples=8, deadline=None, phases=[Phase.generate])  # of random texts, none is simpler
@given(st.integers())
async def test_the_casing_of_ids_changes_no_decision(case: str, seed: int) -> None:
    random, plain, other = Random(seed), estate(case), estate(case)
    shuffled(other, random)

    expected = await decisions(plain, app(None), VM_ID)
    found = await decisions(other, app(random), ResourceId(cased(str(VM_ID), random)))

    assert found == expected


async def test_names_come_from_the_vm_as_azure_writes_it_and_not_as_the_event_does() -> None:
    cloud = estate("new")

    observed = await observe(FakeAzure(app(None), cloud), ResourceId(str(VM_ID).upper()))

    assert observed.vm
    assert str(observed.vm.id) == str(VM_ID)
