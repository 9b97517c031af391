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
    }
    assert len({each.region for each in estate.expectations}) == 2
    assert len(estate.data["subscriptions"]) == 2
    assert estate.tag_while_running
    assert estate.deliver_twice


def test_an_expectation_names_outcome_and_finding(tmp_path: Path) -> None:
    estate = estates.load(_written(tmp_path, demo={"deliverTwice": VM}))

    (expected,) = estate.expectations
    assert (expected.name, expected.region, expected.outcome, expected.finding) == (
        "web",
        "eastus",
        "NotEligible",
        "OnHold",
    )
    assert (estate.deliver_twice, estate.tag_while_running) == (VM, "")


@pytest.mark.parametrize("demo", [{"tagWhileRuning": VM}, {"deliverTwice": VM + "-2"}, {"deliverTwice": None}])
def test_a_wrong_script_is_refused(tmp_path: Path, demo: dict[str, Any]) -> None:
    with pytest.raises(estates.EstateError, match="tagWhileRunning and deliverTwice"):
        estates.load(_written(tmp_path, demo=demo))


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
