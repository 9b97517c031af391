"""GET compliance, its file and GET of a VM say why a VM is not protected: what its run met with, not that it is so."""

import csv
import io
from typing import Any

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import route_of, write_event
from tests.estates import SOURCE, SUBSCRIPTION, TARGET
from tests.waiting import eventually

GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
OS_ERROR = {
    "code": "GuestOsNotSupported",
    "message": "Not this one.",
    "possibleCauses": "",
    "recommendedAction": "Upgrade the system.",
    "status": "Failed",
}


def _refusal(group: str, status: int, code: str, message: str) -> dict[str, Any]:
    match = {"method": "PUT", "path": f"/resourceGroups/{group}-asr"}
    return {"match": match, "kind": "status", "status": status, "code": code, "message": message}


PROHIBITED = _refusal("forbidden", 403, "RequestDisallowedByPolicy", "The group was disallowed by policy.")
DENIED = _refusal(
    "denied",
    403,
    "AuthorizationFailed",
    "The client 'c' with object id 'p' does not have authorization to perform action 'Microsoft.Compute/"
    f"availabilitySets/write' over scope '{GROUPS}/denied-asr' or the scope is invalid.",
)
BUSY = _refusal("busy", 409, "AnotherOperationInProgress", "Later.") | {"times": 1000}
EXPECTED = {
    "os": ("NotEligibleForReplication", "GuestOsNotSupported: Not this one.", "Upgrade the system."),
    "quota": ("TargetQuotaExceeded", "Standard_D2s_v4 needs 2 cores", "Request more quota"),
    "lock": ("ReadOnlyLock", "lock wax", "Remove the lock"),
    "scope": ("TargetGroupNotPrepared", "outside-asr", "azd env set DR_TARGET_RESOURCE_GROUPS app-asr,"),
    "policy": ("DisallowedByPolicy", "Azure Policy forbids", "exemption"),
    "right": ("AuthorizationFailed", "denied-asr", "DR target writer"),
    "busy": ("AnotherOperationInProgress", "Later.", "tries again"),
}
"""By VM: the code, and what the text and the fix have to name. A list shows none of it."""


def _in(group: str, name: str, **more: Any) -> dict[str, Any]:
    vm = estates.vm(name, **more)
    return vm | {"id": estates.resource_id("Microsoft.Compute/virtualMachines", name, f"{GROUPS}/{group}")}


def _set(group: str) -> str:
    """An availability set: its target is what the app makes in a target group."""
    return estates.resource_id("Microsoft.Compute/availabilitySets", "set", f"{GROUPS}/{group}")


def world() -> dict[str, Any]:
    vms = [
        estates.vm("os", eligibilityErrors=[OS_ERROR]),
        estates.vm("quota", size="Standard_D2s_v4"),
        _in("sealed", "lock"),
        _in("outside", "scope"),
        _in("forbidden", "policy", availabilitySet=_set("forbidden")),
        _in("denied", "right", availabilitySet=_set("denied")),
        _in("busy", "busy", availabilitySet=_set("busy")),
    ]
    groups = [*(f"{name}-asr" for name in ("app", "sealed", "forbidden", "denied", "busy")), f"asr-cache-{SOURCE}"]
    quota = {"subscription": SUBSCRIPTION, "location": TARGET, "name": "standardDSv4Family", "limit": 9, "used": 8}
    lock = f"{GROUPS}/sealed-asr/providers/Microsoft.Authorization/locks/wax"
    return estates.estate(
        vms,
        resourceGroups=[{"id": f"{GROUPS}/sealed-asr", "location": TARGET}],
        locks=[{"id": lock, "level": "ReadOnly"}],
        availabilitySets=[{"id": _set(group), "location": SOURCE} for group in ("forbidden", "denied", "busy")],
        quotas=[quota],
    ) | {"scope": ",".join(f"{GROUPS}/{group}" for group in groups)}


async def test_every_hindrance_is_named_with_what_to_do_and_when_it_is_tried_next(start_stack: StartStack) -> None:
    estate = world()
    settings = {"DR_TARGET_SCOPE": estate.pop("scope")}
    async with start_stack(estate, settings=settings) as stack:
        for fault in (PROHIBITED, DENIED, BUSY):
            await stack.sim("POST", "faults", [fault])
        await stack.deliver(*(write_event(vm["id"]) for vm in estate["virtualMachines"]))

        async def are_named() -> bool:
            rows = (await stack.api("GET", "compliance"))[1]["value"]
            return len([row for row in rows if "code" in (row.get("reason") or {})]) == len(EXPECTED) and all(
                row["reason"]["code"] == EXPECTED[row["vmId"].rsplit("/", 1)[1]][0] for row in rows
            )

        await eventually(are_named, within=90)
        rows = (await stack.api("GET", "compliance"))[1]["value"]
        _, text = await stack.api("GET", "compliance?format=csv")
        shown = {
            vm["id"].rsplit("/", 1)[1]: (await stack.api("GET", route_of(vm["id"])))[1]["reason"]
            for vm in estate["virtualMachines"]
        }

    reasons = {row["vmId"].rsplit("/", 1)[1]: row["reason"] for row in rows}
    file = {row["name"]: row for row in csv.DictReader(io.StringIO(text))}
    for name, (code, said, fix) in EXPECTED.items():
        for reason in (reasons[name], shown[name]):
            assert reason["code"] == code, (name, reason)
            assert said in reason["text"], (name, reason)
            assert fix in reason["fix"], (name, reason)
        assert file[name]["reason"].startswith(f"{code}: ")
        assert file[name]["fix"]
    assert {name for name, reason in reasons.items() if reason.get("nextTry")} >= {"busy"}
    assert "availabilitySets/write" in reasons["right"]["fix"]
    assert all(file[name]["since"] for name in EXPECTED if name != "busy")
