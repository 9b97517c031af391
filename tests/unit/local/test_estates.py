"""Estates of the demo: what is expected of each VM is part of the file."""

import json
from pathlib import Path
from typing import Any

import pytest

from local import estates

VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web"


def _written(folder: Path, **more: Any) -> Path:
    file = folder / "estate.json"
    vm = {"id": VM, "location": "eastus", "expect": {"outcome": "NotEligible", "finding": "OnHold"}}
    file.write_text(json.dumps({"virtualMachines": [vm], **more}))
    return file


def test_the_demo_covers_what_a_vm_may_come_to() -> None:
    estate = estates.load(estates.DEMO)

    outcomes = {(each.outcome, each.finding) for each in estate.expectations}
    assert {("Protected", None), ("NotTagged", None)} < outcomes
    assert {finding for _, finding in outcomes if finding} == {
        "VmNotRunning",
        "NotEligibleForReplication",
        "OnHold",
        "ManagedResourceGroup",
        "OverrideNotAllowed",
        "TargetSubnetWithoutNsg",
    }
    assert len({each.region for each in estate.expectations}) == 2
    assert len(estate.data["subscriptions"]) == 2
    assert estate.tag_while_running
    assert estate.deliver_twice
    overridden = [each.name for each in estate.expectations if each.item]
    assert overridden == ["shop-pay-1", "shop-pay-2"]
    assert estate.put
    assert estate.put.vm.endswith("/shop-pay-2")
    assert set(json.loads(estate.settings["DR_PROFILES"])) == {"gold"}


def test_an_expectation_names_outcome_and_finding(tmp_path: Path) -> None:
    estate = estates.load(_written(tmp_path, demo={"deliverTwice": VM}))

    (expected,) = estate.expectations
    assert (expected.name, expected.region, expected.outcome, expected.finding) == (
        "web",
        "eastus",
        "NotEligible",
        "OnHold",
    )
    assert (estate.deliver_twice, estate.tag_while_running, estate.put) == (VM, "", None)
    assert estate.settings == {"DR_PROFILES": "{}"}


@pytest.mark.parametrize(
    ("demo", "reason"),
    [
        (
            {"tagWhileRuning": VM},
            "has no 'tagWhileRuning'; it has tagWhileRunning, deliverTwice, tagUnannounced, put, drill, profiles",
        ),
        ({"deliverTwice": VM + "-2"}, "web-2', which is none of"),
        ({"deliverTwice": None}, "names None"),
        ({"put": {"vm": VM}}, "'body'"),
        ({"drill": {"vm": VM + "-2", "body": {}}}, "web-2', which is none of"),
        ({"put": {"vm": VM + "-2", "body": {}}}, "web-2', which is none of"),
        ({"put": {"vm": VM, "body": {}, "confirm": True}}, "\"put\" has no 'confirm'"),
        ({"profiles": ["gold"]}, "sequence"),
    ],
)
def test_a_wrong_script_is_refused(tmp_path: Path, demo: dict[str, Any], reason: str) -> None:
    with pytest.raises(estates.EstateError, match=reason):
        estates.load(_written(tmp_path, demo=demo))


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        ({"outcome": "Protected", "findings": []}, "\"expect\" has no 'findings'"),
        ({"outcome": "Protected", "item": {"targetsize": "x"}}, "\"item\" has no 'targetsize'; it has targetLocation"),
    ],
)
def test_an_expectation_that_nothing_is_held_to_is_refused(tmp_path: Path, expect: Any, reason: str) -> None:
    vm = {"id": VM, "location": "eastus", "expect": expect}
    with pytest.raises(estates.EstateError, match=reason):
        estates.load(_written(tmp_path, virtualMachines=[vm]))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting"),
        ("[]", "indices"),
        ("{}", "'virtualMachines'"),
        ('{"virtualMachines": [{"id": ""}]}', "expect"),
    ],
)
def test_what_is_no_estate_is_refused_with_its_name(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(text)

    with pytest.raises(estates.EstateError, match=reason) as refused:
        estates.load(file)
    assert str(file) in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(estates.EstateError, match="No such file"):
        estates.load(tmp_path / "none.json")
