"""The catalog of findings: every code has one row, and every route shows what is made of it."""

import ast
import json
import string
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from pydantic_core import to_jsonable_python

from shared.config.profiles import Profile
from shared.model.decision import State
from shared.model.findings import Finding, Severity
from shared.model.step_result import Error
from shared.planning.catalog import CATALOG, NOT_ADDED, finding_of, fix_of, of_error, on_protected
from shared.planning.run_findings import LISTED, OF_SWEEP, PLANNED
from shared.readers.virtual_machines import read_vm
from shared.reconcile.compliance import assess
from shared.reconcile.inventory import Inventory, Prospect, Recovery, VmStatus
from shared.site_recovery.infrastructure import policy_of_item
from shared.site_recovery.replicated_items import find_protection
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import DATA_DISK, OS_DISK, SUBSCRIPTION, VM_ID, need, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, our_item_name
from tests.unit.app.fake_durable import FakeDurableClient
from triggers.plan import post_plan
from triggers.protection import get_protection

ROOT = Path(__file__).parents[4]
TABLES = {
    f"shared/planning/{name}.py"
    for name in ("catalog", "run_findings", "support_findings", "network_findings", "drill_findings")
}


@cache
def sources() -> dict[str, ast.Module]:
    """The modules of the app, by file."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text())
        for room in ("shared", "activities", "orchestrators", "triggers")
        for path in (ROOT / room).rglob("*.py")
    }


def calls(*names: str) -> dict[str, list[ast.Call]]:
    """The calls of functions of those names, by file."""
    return {
        file: [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
        ]
        for file, tree in sources().items()
    }


@pytest.mark.parametrize(
    ("code", "case", "recoverable"),
    [("OsDiskReplaced", "", False), ("DiskNotProtected", NOT_ADDED, False), ("RpoBreached", "", None)],
)
def test_a_finding_says_so_if_its_vm_would_not_come_up(code: str, case: str, recoverable: bool | None) -> None:
    finding = finding_of(code, "It is so.", case=case, action="")

    assert finding.recoverable is recoverable
    known: Any = {"rpo_seconds": 60, "replication_health": "Normal", "need": need()}
    status = VmStatus(vm_id=VM_ID, state=State.PROTECTED, findings=(finding,), **known)
    assert status.prospect == (Prospect(Recovery.NO, code) if recoverable is False else Prospect(Recovery.YES, ""))


def test_every_code_that_the_app_makes_a_finding_of_has_a_row() -> None:
    made = [call.args[0] for found in calls("finding_of", "fix_of", "WriteRefusedError").values() for call in found]
    codes = {code.value for code in made if isinstance(code, ast.Constant)}

    assert len(codes) > 50
    assert codes - set(CATALOG) == set()


def test_every_row_is_of_a_finding_that_the_app_makes() -> None:
    texts = {
        node.value
        for file, tree in sources().items()
        for node in ast.walk(tree)
        if file not in TABLES and isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert set(CATALOG) - texts == set()


def test_a_finding_is_made_in_the_catalog_and_its_severity_changed_there_alone() -> None:
    assert {file for file, found in calls("Finding").items() if found} == {"shared/planning/catalog.py"}
    changed = {
        file
        for file, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "severity" and not file.startswith("triggers/openapi/")
    }
    assert changed == {"shared/planning/catalog.py"}


@pytest.mark.parametrize("code", CATALOG)
def test_every_row_says_what_it_means_what_the_app_does_and_what_to_do(code: str) -> None:
    row = CATALOG[code]
    facts = {name: "x" for _, name, _, _ in string.Formatter().parse(row.fix) if name}

    assert code[0].isupper()
    assert all((row.means, row.does, row.fix))
    assert all(case.when and (case.severity or case.fix or case.recoverable is not None) for case in row.cases.values())
    assert "{" not in fix_of(code, **facts)


def test_no_code_has_two_rows() -> None:
    tables = [
        node.value
        for file in TABLES
        for node in ast.walk(sources()[file])
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
    ]
    codes = [key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)]

    assert sorted(code for code in codes if code in CATALOG) == sorted(CATALOG)
    assert len(LISTED) + len(PLANNED) + len(OF_SWEEP) < len(CATALOG)


def test_a_case_of_a_row_has_its_own_severity_and_fix_and_else_those_of_the_row() -> None:
    protected = {code for code, row in CATALOG.items() if "protected" in row.cases}
    findings = [finding_of(code, "", tag="dr", target="") for code in protected]

    assert {finding.severity for finding in findings} == {Severity.BLOCKER}
    assert {finding.severity for finding in on_protected(findings)} == {Severity.WARNING}
    newer = finding_of("AgentOutdated", "", case="newer agent")
    assert (newer.severity, newer.fix) == (Severity.NOTE, CATALOG["AgentOutdated"].fix)
    assert on_protected([newer]) == (newer,)
    in_place = finding_of("TargetMismatch", "", case="in place")
    assert (in_place.severity, in_place.fix.startswith("Nothing")) == (Severity.WARNING, True)


def test_a_rule_that_refused_is_a_finding_with_the_words_of_the_error() -> None:
    own = of_error(Error(code="SkuNotAvailable", message="No.", action="Wait."))
    ours = of_error(Error(code="WritesDisabled", message="DR_PAUSED=true"))

    assert (own.severity, own.fix) == (Severity.BLOCKER, "Wait.")
    assert (ours.severity, ours.fix) == (Severity.NOTE, CATALOG["WritesDisabled"].fix)


# One fact, one text


DISKS = [{"diskId": str(OS_DISK), "recoveryReplicaDiskAccountType": "Premium_LRS"}]
REPLICATED = {"protectedManagedDisks": [{**DISKS[0], "recoveryTargetDiskAccountType": "Premium_LRS"}]}
GONE = {"diskId": str(DATA_DISK), "recoveryReplicaDiskAccountType": "", "recoveryTargetDiskAccountType": ""}
OPEN = {"default": Profile(allow={"churn": ("*",), "target-zone": ("*",), "consistency-group": ("*",)})}
ALIKE: dict[str, tuple[dict[str, str], dict[str, Any], dict[str, Any]]] = {
    "TargetMismatch": ({"dr-churn": "high"}, REPLICATED, {"profiles": OPEN}),
    "ConsistencyGroupMismatch": ({"dr-consistency-group": "shop"}, REPLICATED, {"profiles": OPEN}),
    "PolicyMismatch": ({}, REPLICATED, {"profiles": {"default": Profile(recovery_point_retention_hours=72)}}),
    "OverrideInvalid": ({"dr-target-zone": "9"}, REPLICATED, {"profiles": OPEN}),
    "OverrideNotAllowed": ({"dr-target-size": "Standard_D4s_v5"}, REPLICATED, {"profiles": OPEN}),
    "DiskNotProtected": ({}, {"protectedManagedDisks": []}, {}),
    "DiskRemoved": ({}, {"protectedManagedDisks": [*REPLICATED["protectedManagedDisks"], GONE]}, {}),
    "ItemFrozen": ({}, {**REPLICATED, "testFailoverState": "Running"}, {}),
    "NotManagedByApp": ({}, REPLICATED, {}),
}


@pytest.mark.parametrize("code", ALIKE)
async def test_a_plan_a_compliance_report_and_get_show_a_fact_alike(code: str) -> None:
    tags, details, changes = ALIKE[code]
    cloud, app = Cloud(), settings(**changes)
    cloud.add_vm(tags={"dr": "true", **tags})
    cloud.add_region_pair()
    item = item_body("Protected", "portal" if code == "NotManagedByApp" else our_item_name(), **details)
    item["properties"]["testFailoverState"] = details.get("testFailoverState", "None")
    cloud.vault["replication_protected_items"].append(item)
    azure = FakeAzure(app, cloud)
    request = func.HttpRequest(
        "GET",
        f"https://app.example/api{VM_ID}/protection",
        route_params={"subscription": SUBSCRIPTION, "group": "web", "name": "web-1"},
        body=b"",
    )

    planned = json.loads((await post_plan(azure, request)).get_body())["findings"]
    shown = json.loads((await get_protection(azure, FakeDurableClient(), request)).get_body())["findings"]
    reported = [to_jsonable_python(finding) for finding in await compliance(azure)]

    (fact,) = [_text(finding) for finding in reported if finding["code"] == code]
    assert [_text(finding) for finding in planned if finding["code"] == code] == [fact]
    assert [_text(finding) for finding in shown if finding["code"] == code] == [fact]


async def compliance(azure: FakeAzure) -> tuple[Finding, ...]:
    """What a sweep finds about the VM."""
    vm, protection = await read_vm(azure, VM_ID), await find_protection(azure, VM_ID)
    assert vm
    assert protection
    item = protection[1]
    policy = await policy_of_item(vault_of(azure, item.vault), item)
    assert policy
    assert item.policy_id
    estate = Inventory(
        vms=(vm,),
        items=(item,),
        read_at=datetime(2026, 6, 1, tzinfo=UTC),
        elsewhere={},
        policies={item.policy_id: policy},
        groups={},
        regions={},
    )
    (vm_status,) = assess(estate, azure.settings)
    return vm_status.findings


def _text(finding: dict[str, Any]) -> tuple[str, str, str]:
    return finding["severity"], finding["message"], finding["fix"]
