"""Where the VMs stand, read from instances as the durable HTTP API reports them."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from local.demo import tables
from local.demo.progress import Progress
from local.estates import Expectation

WEB, DB = (f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/{name}" for name in "wd")
ERROR = {"code": "151066", "message": "No root certificates.", "action": "Update the VM."}
HOLD = {"code": "OnHold", "message": "It is on hold.", "fix": "Remove the tag.", "severity": "blocker"}


def _progress() -> Progress:
    return Progress([Expectation(WEB, "eastus", "Protected"), Expectation(DB, "westus", "NotEligible", "OnHold")])


def _running(vm: str, step: str, **status: Any) -> dict[str, Any]:
    reported = {"vmId": vm, "step": step, **status}
    return {"runtimeStatus": "Running", "customStatus": reported, "output": None, "input": {"vmId": vm}}


def _ended(vm: str, outcome: str, **result: Any) -> dict[str, Any]:
    output = {"vmId": vm, "outcome": outcome, "settings": [], **result}
    return {"runtimeStatus": "Completed", "customStatus": None, "output": output, "input": {"vmId": vm}}


def _shown(renderable: Any) -> str:
    console = Console(width=160, file=io.StringIO())
    console.print(renderable)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_a_change_is_reported_once() -> None:
    progress = _progress()
    running = _running(WEB.upper(), "Initial replication", percent=4)

    (changed,) = progress.update([running], 3.0)

    assert tables.line(changed, 3.0) == "   3.0 s  w              Initial replication (4 %)"
    assert progress.update([running], 4.0) == []
    assert not progress.at_rest


@pytest.mark.parametrize("given", [{"vmId": WEB}, json.dumps({"vmId": WEB})], ids=["as JSON", "as the SDK sends it"])
def test_an_instance_that_has_no_status_yet_is_known_by_its_input(given: Any) -> None:
    progress = _progress()
    pending = {"runtimeStatus": "Pending", "customStatus": None, "output": None, "input": given}

    assert [vm.step for vm in progress.update([pending], 1.0)] == ["Starting"]
    assert not progress.at_rest


def test_instances_of_something_else_are_passed_over() -> None:
    other = {"runtimeStatus": "Completed", "customStatus": None, "output": 5, "input": None}

    assert _progress().update([other, _running(WEB + "x", "Looking")], 1.0) == []


def test_the_ends_are_compared_with_what_was_expected() -> None:
    progress = _progress()

    progress.update([_ended(WEB, "Protected"), _ended(DB, "NotEligible", findings=[HOLD])], 8.0)

    assert progress.at_rest
    assert progress.surprises == []


def test_another_reason_is_a_surprise_too() -> None:
    progress = _progress()

    progress.update(
        [_ended(WEB, "Protected"), _ended(DB, "NotEligible", findings=[HOLD | {"code": "FailoverVm"}])], 8.0
    )

    assert [vm.name for vm in progress.surprises] == ["d"]
    assert "no: NotEligible for OnHold" in _shown(tables.outcomes(progress))


def test_another_value_in_the_vault_is_a_surprise_too() -> None:
    progress = Progress([Expectation(WEB, "eastus", "Protected", item={"targetSize": "D4", "targetZone": "2"})])
    (vm,) = progress.vms.values()
    progress.update([_ended(WEB, "Protected")], 8.0)

    vm.got = {"targetSize": "D2", "targetZone": "2", "targetIp": ""}
    shown = " ".join(_shown(tables.outcomes(progress)).split())
    assert progress.surprises == [vm]
    assert "no: Protected, targetSize D4" in shown
    assert "In the vault: targetSize D2, targetZone 2." in shown

    vm.got["targetSize"] = "D4"
    assert progress.surprises == []


def test_a_vm_that_no_one_looked_at_is_a_surprise() -> None:
    progress = _progress()

    progress.update([_ended(DB, "NotEligible", findings=[HOLD])], 8.0)

    assert progress.at_rest
    assert [(vm.name, vm.outcome) for vm in progress.surprises] == [("w", "NotLookedAt")]


def test_a_run_that_never_ends_is_a_surprise() -> None:
    progress = _progress()

    progress.update([_running(WEB, "Creating fabric"), _ended(DB, "NotEligible", findings=[HOLD])], 180.0)

    assert [(vm.name, vm.outcome) for vm in progress.surprises] == [("w", "NotEnded")]
    assert "Creating fabric" in _shown(tables.outcomes(progress))


def test_an_orchestration_that_raised_is_shown_with_its_text() -> None:
    progress = _progress()
    raised = {"runtimeStatus": "Failed", "customStatus": None, "output": "KeyError: [x]", "input": {"vmId": WEB}}

    progress.update([raised], 2.0)

    assert progress.vms[WEB.lower()].outcome == "Failed"
    assert "KeyError: [x]" in _shown(tables.outcomes(progress))


def test_what_failed_on_the_way_is_reported_at_the_end_once() -> None:
    progress = _progress()
    chosen = {"targetLocation": "westus2", "targetResourceGroup": "/x/g-asr", "recoveryPointRetention": "24 h"}
    settings = [{"name": name, "value": value} for name, value in chosen.items()]

    progress.update([_running(WEB, "Waiting to retry after a failed job to enable", lastError=ERROR)], 2.0)
    progress.update([_running(WEB, "Waiting to retry after a failed job to enable", lastError=ERROR)], 3.0)
    progress.update([_ended(WEB, "Protected", settings=settings)], 20.0)

    assert progress.vms[WEB.lower()].reasons == ["On the way: 151066: No root certificates. Update the VM."]


def test_an_error_that_ended_the_run_is_no_error_on_the_way() -> None:
    progress = _progress()

    progress.update([_running(WEB, "Waiting", lastError=ERROR)], 2.0)
    progress.update([_ended(WEB, "Failed", error=ERROR)], 20.0)

    assert progress.vms[WEB.lower()].reasons == ["151066: No root certificates. Update the VM."]


def test_while_a_vm_is_held_its_last_run_does_not_count() -> None:
    progress = _progress()
    ended = [_ended(WEB, "NotTagged"), _ended(DB, "NotEligible", findings=[HOLD])]
    progress.update(ended, 1.0)

    progress.hold(WEB, 5.0)
    progress.update(ended, 5.1)
    assert not progress.at_rest

    progress.release(WEB)
    (vm,) = progress.update([_running(WEB, "Enabling protection"), ended[1]], 6.0)
    assert (vm.step, vm.ended) == ("Enabling protection", None)
    progress.update([_ended(WEB, "Protected"), ended[1]], 15.0)
    assert (vm.outcome, vm.since, vm.ended) == ("Protected", 5.0, 15.0)


def _request(method: str, path: str, status: int = 200) -> dict[str, Any]:
    return {"method": method, "path": path, "status": status}


def test_what_was_made_is_counted_beside_the_puts_it_took() -> None:
    item = "/x/replicationProtectedItems/1b"
    requests = [
        _request("PUT", "/subscriptions/s/resourcegroups/g-asr", 201),
        _request("PUT", "/x/replicationFabrics/asr-a2a-default-eastus", 202),
        _request("PUT", "/x/replicationFabrics/refused", 409),
        _request("PUT", item, 202),
        _request("PUT", item, 202),
        _request("GET", item),
    ]

    made = [line.split() for line in _shown(tables.made(requests)).splitlines()]

    assert ["Resource", "groups", "1", "1", "g-asr"] in made
    assert ["Fabrics", "1", "1", "asr-a2a-default-eastus"] in made
    assert ["Replicated", "items", "1", "2", "a", "GUID", "for", "each", "VM"] in made
    assert tables.calls(requests) == "6 calls of Azure Resource Manager by the app: 1 reads, 5 writes."
