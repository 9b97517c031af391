"""The arithmetic of the bench: what is a poll, what is met, which chain is the longest."""

from typing import Any

import pytest

from local.bench import __main__ as bench
from local.bench import critical_path, drills, durable, heal, results, scenario
from local.bench.calls import counts, lines, purpose_of
from local.bench.estate import estate, vm_ids
from local.bench.figures import FIGURES, Figure, medians
from local.bench.protecting import without_polls
from local.bench.rivals.compare import ROWS
from local.bench.scenario import RECORDED, SEEDS, Run, Scenario, UnavailableError
from local.simulator import latencies
from local.stack import StackError

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


def test_polls_of_drills_are_reads_of_the_vault_and_later_looks_at_a_test_vm() -> None:
    def compute(path: str) -> dict[str, Any]:
        return {"method": "GET", "path": f"/subscriptions/s/{path}"}

    group = "resourceGroups/g/providers"
    looks = [
        compute(f"{group}/Microsoft.Compute/virtualMachines/web-TEST"),
        compute(f"{group}/Microsoft.Network/networkInterfaces/nic-test"),
    ]
    lists = [_request("GET", "replicationJobs"), _request("GET", "replicationProtectedItems")]
    of_many = [compute("providers/Microsoft.Compute/virtualMachines")]
    checks = [*lists, *of_many, compute(f"{group}/Microsoft.Compute/virtualMachines")]
    asked = _request("POST", "replicationProtectedItems/i/testFailover")
    end = [_request("GET", "replicationProtectedItems/i"), compute(f"{group}/Microsoft.Compute/disks")]
    gone = [looks[0] | {"status": 404}]
    every = [*checks, asked, *looks, *lists, *of_many, *looks, *end, *gone, *end]

    assert drills.without_polls(every) == [*checks, asked, *looks, *end, *gone, *end]


def test_the_checks_of_an_order_are_not_those_of_its_run() -> None:
    vm = f"{VAULT}/virtualMachines/web-1"
    reads = [_request("GET", "virtualMachines/web-1"), _request("GET", "replicationProtectedItems")]

    assert drills.by_order_and_run([*reads, *reads], vm.upper()) == (reads, reads)


def test_the_critical_path_is_that_of_the_slowest_vm() -> None:
    vms = vm_ids(20)
    alone = [critical_path.ready_pair(7, [vm]) for vm in vms]
    recorded = sum(latencies.ENABLE_TASKS) + latencies.PROTECTED

    assert critical_path.ready_pair(7, vms) == max(alone)
    assert len(set(alone)) == len(vms)
    assert all(recorded / latencies.SPREAD <= each <= recorded * latencies.SPREAD for each in alone)
    assert critical_path.ready_pair(0, vms) == recorded


@pytest.mark.parametrize(
    ("vms", "starts"),
    [
        (200, 0.0),  # all at once
        (201, 310.0),  # the last when the first job has ended
        (401, 620.0),
    ],
)
def test_the_apps_own_limit_makes_the_others_wait(vms: int, starts: float) -> None:
    estates = [{"id": vm, "location": "eastus"} for vm in vm_ids(vms)]
    elsewhere = [{"id": vm, "location": "northeurope"} for vm in vm_ids(200)]

    assert heal.last_start(0, [*estates, *elsewhere]) == pytest.approx(starts)


@pytest.mark.parametrize(
    ("figure", "value", "met", "measured", "target"),
    [
        (Figure("calls", "calls", 70), 70, True, "70 calls", "at most 70 calls"),
        (Figure("ratio", "", 1.6), 1.613, False, "1.61", "at most 1.60"),
        (Figure("PUTs", "PUTs", 12, at_least=True), 12, True, "12 PUTs", "at least 12 PUTs"),
        (Figure("PUTs", "PUTs", 12, at_least=True), 11, False, "11 PUTs", "at least 12 PUTs"),
        (Figure("time", "ms"), 391.46, None, "391 ms", ""),
    ],
)
def test_a_figure_says_whether_its_target_is_met(
    figure: Figure, value: float, met: bool | None, measured: str, target: str
) -> None:
    assert (figure.met(value), figure.text(value), figure.target_text) == (met, measured, target)


@pytest.mark.parametrize(
    ("request_line", "idle"),
    [
        ("GET /a/hub-control-02/messages?numofmessages=32&visibilitytimeout=300", True),
        ("DELETE /a/hub-control-02/messages/1824ac6b?popreceipt=MzBO", False),
        ("POST /a/hub-workitems/messages?messagettl=-1", False),
        ("PUT /a/hubPartitions(PartitionKey='',RowKey='hub-control-00')?$format=application%2Fjson", True),
        ("PUT /a/hub-applease?comp=lease&restype=container", True),
        ("GET /a/hubHistory()?$format=application%2Fjson&$filter=PartitionKey%20eq%20%27protect-vm%27", False),
        ("PATCH /a/hubInstances(PartitionKey='protect-vm',RowKey='')?$format=application%2Fjson", False),
        ("POST /a/$batch", False),
    ],
)
def test_polls_of_queues_and_leases_are_no_storage_transactions_of_a_run(request_line: str, idle: bool) -> None:
    assert (
        bool(durable.IDLE.search(f'127.0.0.1 - - [30/Nov/2026:00:02:30 +0000] "{request_line} HTTP/1.1" 200 -')) == idle
    )


def test_a_figure_is_the_median_over_the_seeds() -> None:
    assert medians([{"a": 3, "b": 1}, {"a": 1, "b": 1}, {"a": 2, "b": 7}]) == {"a": 2, "b": 1}


def test_every_figure_belongs_to_a_scenario() -> None:
    assert {name.split(".")[0] for name in FIGURES} <= set(bench._SCENARIOS) | {"one", "more"}


@pytest.mark.parametrize(
    ("calls", "code", "printed"),
    [
        ((20, 22, 900), 0, "met"),
        ((20, 23, 24), 1, "MISSED"),
        ((20, UnavailableError("It needs a moon."), 20), 0, "not measured. It needs a moon."),
        ((20, StackError("Down."), 20), 2, "bench: Down."),
    ],
)
def test_a_missed_target_makes_exit_code_1(
    calls: tuple[float | Exception, ...],
    code: int,
    printed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def measure(run: Run) -> dict[str, float]:
        await run.ready()
        found = calls[run.seed - 1]
        if isinstance(found, Exception):
            raise found
        return {"more.calls": found}

    monkeypatch.setattr(scenario, "_APART", 0.0)
    for together in (True, False):
        monkeypatch.setattr(bench, "_SCENARIOS", {"more": Scenario("one more", measure, together=together)})
        assert bench.main([]) == code
        shown = capsys.readouterr()
        assert printed in shown.out + shown.err


def test_only_scenarios_in_which_azures_latencies_count_take_other_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []

    def made(name: str, seeds: tuple[int, ...]) -> Scenario:
        async def measure(run: Run) -> dict[str, float]:
            seen.append((name, run.seed))
            return {}

        return Scenario(name, measure, seeds)

    monkeypatch.setattr(bench, "_SCENARIOS", {"drawn": made("drawn", SEEDS), "recorded": made("recorded", RECORDED)})
    bench.main(["--seeds", "4", "5"])

    assert seen == [("drawn", 4), ("drawn", 5), ("recorded", 0)]


def test_the_tables_of_the_documentation_show_what_the_bench_measures() -> None:
    saved = results.load()

    assert set(saved["figures"]) <= set(FIGURES)
    assert all(set(column) == set(ROWS) for column in saved["rivals"].values())


def test_each_call_is_listed_with_what_it_is_for() -> None:
    enable = "replicationFabrics/f/replicationProtectionContainers/c/replicationProtectedItems/i"
    requests = [_request("GET", "replicationJobs"), _request("PUT", enable), _request("GET", "somethingElse/1")]

    assert list(lines([request | {"status": 200} for request in requests])) == [
        "  1 GET  200 jobs: those that run or failed, the daily limit, failovers (v/replicationJobs)",
        "  2 PUT  200 enables protection (replicationProtectedItems/i)",
        "  3 GET  200 ? (somethingElse/1)",
    ]


def test_calls_of_a_kind_are_counted_under_the_path_without_names() -> None:
    vms = "/subscriptions/s/{}providers/Microsoft.Compute/virtualMachines"
    paths = [vms.format(""), vms.format("resourceGroups/a/") + "/v", vms.format("resourceGroups/b/") + "/w"]

    calls = [{"method": "GET", "path": path} for path in paths]

    assert list(counts(calls)) == [
        f"   2 GET  {purpose_of(calls[1])} (/subscriptions/*/resourcegroups/*/virtualmachines/*)",
        f"   1 GET  {purpose_of(calls[0])} (/subscriptions/*/virtualmachines)",
    ]


def test_the_estate_has_as_many_vms_as_asked_for_and_none_is_tagged() -> None:
    vms = estate(102)["virtualMachines"]

    assert [vm["id"] for vm in vms] == vm_ids(102)
    assert not any(vm["tags"] for vm in vms)
