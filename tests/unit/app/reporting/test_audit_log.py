"""The log: a line of JSON for each decision, with the same keys in all of them, and nothing that a person wrote."""

import json
import logging
from typing import Any

import pytest

from activities.change_protection import change_protection
from activities.disable_protection import disable_protection
from activities.enable_protection import enable_protection
from activities.remove_failed_item import remove_failed_item
from shared.config.settings import Mode
from shared.model.activity_io import ChangeRequest, EnableRequest, VmRequest
from shared.model.changes import Changes, Difference, ItemUpdate
from shared.model.replication import ReplicatedDisk
from shared.model.resource_types import ACCOUNT
from shared.model.step_result import Error, Ready, StepResult
from shared.reconcile.run_state import RunOutcome, RunResult
from shared.reconcile.run_summary import RunSummary
from shared.reconcile.sweep import Summary, SweepReport
from shared.reporting.audit_log import KEYS, SWEEP_KEYS, run_ended, swept
from tests.findings import warning
from tests.unit.app.examples import (
    DATA_DISK,
    OS_DISK,
    VM_ID,
    plan_of,
    planning_context,
    protected_item,
    settings,
    source_vm,
)
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, our_item_name
from tests.unit.app.reporting.test_events import NOW

ORIGINS = ("profile gold", "tag dr-target-size")
SIZE = Difference(setting="targetSize", current="Standard_D2s_v5", wanted="Standard_D4s_v5")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="dr.decision")
    return caplog


def reported(log: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines, as a query would read them."""
    messages = [record.getMessage() for record in log.records if record.name == "dr.decision"]
    assert all(message.startswith('{"decision":') and message.isprintable() for message in messages)
    return [json.loads(message) for message in messages]


def ours(state: str, **tags: str) -> Cloud:
    """A VM with these tags, and the item of ours that protects it."""
    cloud = Cloud()
    cloud.add_region_pair()
    cloud.add_vm(tags=tags)
    disk = {
        "diskId": str(OS_DISK),
        "primaryStagingAzureStorageAccountId": f"{VM_ID.group_id}/providers/{ACCOUNT}/cache",
    }
    details = {"protectedManagedDisks": [disk], "recoveryAzureResourceGroupId": f"{VM_ID.group_id}-asr"}
    cloud.vault["replication_protected_items"].append(item_body(state, our_item_name(), **details))
    return cloud


async def test_an_enable_request_is_reported_with_its_job_and_the_layers_that_asked(
    lines: pytest.LogCaptureFixture,
) -> None:
    cloud = Cloud()
    cloud.add_region_pair()
    replication = plan_of(source_vm(), planning_context(), settings()).replication
    assert replication

    await enable_protection(
        FakeAzure(settings(), cloud), EnableRequest(vm_id=VM_ID, replication=replication, origins=ORIGINS)
    )

    assert reported(lines) == [
        {
            "decision": "enable",
            "vm": str(VM_ID),
            "rule": ["MissingProtection"],
            "origin": list(ORIGINS),
            "job": "create-1",
            "item": "",
            "error": "",
        }
    ]


async def test_nothing_is_reported_where_nothing_was_asked(lines: pytest.LogCaptureFixture) -> None:
    cloud = ours("Protected", dr="true")
    replication = plan_of(source_vm(), planning_context(), settings()).replication
    assert replication
    azure = FakeAzure(settings(), cloud)

    await enable_protection(azure, EnableRequest(vm_id=VM_ID, replication=replication))
    await remove_failed_item(azure, VmRequest(vm_id=VM_ID))
    await disable_protection(azure, VmRequest(vm_id=VM_ID))

    assert reported(lines) == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (Changes(differences=(SIZE,), update=ItemUpdate(size=SIZE.wanted)), ["targetSize"]),
        (
            Changes(added_disks=(ReplicatedDisk(id=DATA_DISK, replica_sku="", target_sku=""),)),
            ["DiskNotProtected"],
        ),
    ],
)
async def test_a_change_is_reported_with_what_differs(
    lines: pytest.LogCaptureFixture, changes: Changes, rule: list[str]
) -> None:
    azure = FakeAzure(settings(), ours("Protected", dr="true"))

    asked = await change_protection(azure, ChangeRequest(vm_id=VM_ID, changes=changes, origins=ORIGINS))

    (line,) = reported(lines)
    assert isinstance(asked, Ready)
    assert (line["decision"], line["rule"], line["origin"]) == ("change", rule, list(ORIGINS))
    assert line["job"] == asked.value["job"] != ""
    assert line["item"].endswith(our_item_name())


@pytest.mark.parametrize(
    ("tags", "confirmed", "rule", "origin"),
    [
        ({"dr": "false"}, False, "UntaggedButProtected", []),
        ({"dr": "false"}, True, "UntaggedButProtected", ["request"]),
        (None, False, "SourceDeleted", []),
    ],
)
async def test_a_disable_is_reported_with_why_and_whether_somebody_confirmed_it(
    lines: pytest.LogCaptureFixture, tags: dict[str, str] | None, confirmed: bool, rule: str, origin: list[str]
) -> None:
    cloud = ours("Protected", **(tags or {}))
    if tags is None:
        del cloud.resources[VM_ID.key]
    azure = FakeAzure(settings(mode=Mode.CLEANUP, max_disable_percent_per_day=100), cloud)

    await disable_protection(azure, VmRequest(vm_id=VM_ID, confirmed=confirmed))

    (line,) = reported(lines)
    assert (line["decision"], line["rule"], line["origin"]) == ("disable", [rule], origin)
    assert (line["vm"].lower(), line["job"]) == (VM_ID.key, "delete-1")


async def test_taking_back_a_failed_attempt_is_reported(lines: pytest.LogCaptureFixture) -> None:
    outcome: StepResult = await remove_failed_item(
        FakeAzure(settings(), ours("EnablingFailed", dr="true")), VmRequest(vm_id=VM_ID)
    )

    (line,) = reported(lines)
    assert outcome == Ready(value={"job": line["job"]})
    assert (line["decision"], line["rule"]) == ("remove", ["EnableFailed"])


def test_the_end_of_a_run_is_reported_by_codes_and_without_anybodys_words(lines: pytest.LogCaptureFixture) -> None:
    late = warning("DiskNotProtected", "The disk of Ms Müller\nis not replicated.", "Call 555-0100.")
    error = Error(code="151066", message="The agent of Ms Müller.")
    result = RunResult(
        outcome=RunOutcome.FAILED, vm_id=VM_ID, item_id=protected_item().id, findings=(late, late), error=error
    )

    run_ended(RunSummary(result=result, at=NOW, origins=ORIGINS))

    assert reported(lines) == [
        {
            "decision": "Failed",
            "vm": str(VM_ID),
            "rule": ["DiskNotProtected"],
            "origin": list(ORIGINS),
            "job": "",
            "item": str(protected_item().id),
            "error": "151066",
        }
    ]


def test_a_sweep_is_reported_in_numbers(lines: pytest.LogCaptureFixture) -> None:
    summary = Summary(total=9, required=8, compliant=6, recoverable=5, by_finding={"Unhealthy": 2})

    removed = (VM_ID.group_id,)
    swept(SweepReport(read_at=NOW, summary=summary, started={"enable": 3}, removed=removed, gaps=("The VMs.",)))

    (line,) = reported(lines)
    assert (line["decision"], line["vm"], line["rule"]) == ("sweep", "", ["Unhealthy"])
    assert {key: line[key] for key in SWEEP_KEYS} == {
        "required": 8,
        "compliant": 6,
        "recoverable": 5,
        "started": {"enable": 3},
        "removed": 1,
        "gaps": 1,
    }
    assert set(line) == {*KEYS, *SWEEP_KEYS}
