"""The arithmetic of the bench: what is a poll, what is met."""

from typing import Any

import pytest

from local.bench.estate import estate, vm_ids
from local.bench.figures import Figure
from local.bench.protecting import EMPTY_VAULT_PATH, READY_PAIR_PATH, Run, without_polls

VAULT = "/subscriptions/s/resourceGroups/dr/providers/Microsoft.RecoveryServices/vaults/v"


def _request(method: str, path: str) -> dict[str, Any]:
    return {"method": method, "path": f"{VAULT}/{path}"}


def test_polls_are_reads_of_the_lists_after_the_last_enable() -> None:
    before = [_request("GET", "replicationProtectedItems"), _request("GET", "replicationJobs")]
    enable = _request("PUT", "replicationFabrics/f/replicationProtectionContainers/c/replicationProtectedItems/i")
    polls = [_request("GET", "replicationJobs"), _request("GET", "replicationProtectedItems")]
    others = [_request("GET", "replicationJobs/j"), _request("GET", "replicationFabrics")]

    assert without_polls([*before, enable, *polls, *others]) == [*before, enable, *others]
    assert without_polls([enable, *polls, enable, *polls]) == [enable, *polls, enable]


def test_the_critical_path_is_the_longest_chain_of_waits() -> None:
    # Minutes: enable job and initial replication; before them fabric, container and container mapping.
    assert (round(READY_PAIR_PATH / 60), round(EMPTY_VAULT_PATH / 60)) == (25, 28)
    assert Run(vms=1, requests=[], elapsed=60).over(1500) == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("figure", "met", "measured", "target"),
    [
        (Figure("calls", 70, "calls", 70), True, "70 calls", "at most 70 calls"),
        (Figure("ratio", 1.613, "", 1.6), False, "1.61", "at most 1.60"),
        (Figure("PUTs", 12, "PUTs", 12, at_least=True), True, "12 PUTs", "at least 12 PUTs"),
        (Figure("PUTs", 11, "PUTs", 12, at_least=True), False, "11 PUTs", "at least 12 PUTs"),
        (Figure("time", 391.46, "ms"), None, "391 ms", ""),
    ],
)
def test_a_figure_says_whether_its_target_is_met(figure: Figure, met: bool | None, measured: str, target: str) -> None:
    assert (figure.met, figure.measured_text, figure.target_text) == (met, measured, target)


def test_the_estate_has_as_many_vms_as_asked_for_and_none_is_tagged() -> None:
    vms = estate(102)["virtualMachines"]

    assert [vm["id"] for vm in vms] == vm_ids(102)
    assert not any(vm["tags"] for vm in vms)
