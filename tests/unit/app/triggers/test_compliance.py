"""GET of the estate: filters, summary, pages, and the file for a spreadsheet."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status
from hypothesis import given
from hypothesis import strategies as st

from shared.model.capacity import Capacity, RegionOffer
from shared.model.decision import Action, State
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.vm import Quota, Size
from shared.orchestrations import instance_of
from shared.planning.catalog import finding_of
from shared.reconcile.fleet import losses, with_quotas
from shared.reconcile.inventory import ComplianceReport, VmStatus
from shared.reconcile.run_state import RunOutcome, RunResult
from tests.findings import note, warning
from tests.unit.app.asking import answer_to, follow, get, problem_of
from tests.unit.app.examples import ELSEWHERE, SUBSCRIPTION, VAULT_ID, VM_ID, need, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, our_item_name
from tests.unit.app.fake_durable import FakeHub
from triggers.compliance import get_compliance
from triggers.estate_csv import COLUMNS
from triggers.reasons import MOST_RUNS

READ_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


SIZE = Size(name="Standard_D2s_v5", family="standardDSv5Family", cores=2)
QUOTAS = {"cores": Quota(name="cores", limit=10, used=6), "standarddsv5family": Quota(name=SIZE.family, limit=9)}
CAPACITY = Capacity({need().place: RegionOffer({SIZE.name.lower(): SIZE}, QUOTAS)})


class Surveyed(FakeAzure):
    """A gateway whose survey is at hand."""

    def __init__(self, *vm_statuses: VmStatus, gaps: tuple[str, ...] = (), **app: Any) -> None:
        scope = f"/subscriptions/{SUBSCRIPTION},/subscriptions/{ELSEWHERE}"
        super().__init__(settings(**{"source_scope": scope, **app}), Cloud())
        ordered = tuple(sorted(vm_statuses, key=lambda vm_status: vm_status.vm_id.key))
        at_once, alone = with_quotas(ordered, CAPACITY, "dr"), losses(ordered, CAPACITY, "dr")
        self._survey = ComplianceReport(at_once.vm_statuses, read_at=READ_AT, gaps=gaps, losses=alone)

    async def shared(self, key: str, read: Any, within: float | None = None) -> Any:
        return self._survey if key == "compliance report" else await super().shared(key, read, within)


def vm_status(name: str, state: State = State.PROTECTED, group: str = "web", **changes: Any) -> VmStatus:
    vm = ResourceId.of(changes.pop("subscription", SUBSCRIPTION), group, VM_ID.type, name)
    known = {"tags": {"dr": "true"}, "location": "eastus", "replication_health": "Normal"}
    return VmStatus(vm_id=vm, state=state, **{**known, **changes})


ESTATE = (
    vm_status(
        "a",
        tags={"dr": "true", "DR-Profile": "Gold"},
        rpo_seconds=95,
        vault=VAULT_ID,
        target_location="westus2",
        need=need(),
    ),
    vm_status("b", findings=(warning("Unhealthy", "It is ill."),)),
    vm_status("c", State.UNPROTECTED, action=Action.ENABLE, findings=(warning("MissingProtection", "Not yet."),)),
    vm_status("d", State.NOT_TAGGED, "zoo", tags={}, location="westeurope", findings=(note("NotTagged", "No tag."),)),
    vm_status("e", State.FAILOVER_VM, "ZOO", subscription=ELSEWHERE, findings=(note("FailoverVm", "Of a."),)),
)


async def names(**query: Any) -> str:
    """The VMs that are answered."""
    view = await answer_to(get_compliance(Surveyed(*ESTATE), FakeHub(), get("compliance", **query)))
    assert view["summary"]["total"] == len(view["value"])
    return "".join(row["vmId"].rsplit("/", 1)[-1] for row in view["value"])


async def test_each_vm_is_reported_with_what_is_made_of_it() -> None:
    view = await answer_to(get_compliance(Surveyed(*ESTATE, gaps=("Half.",)), FakeHub(), get("compliance")))

    assert (view["readAt"], view["gaps"], view["nextLink"]) == ("2026-05-01T12:00:00Z", ["Half."], None)
    assert view["value"][0] == {
        "vmId": str(ESTATE[0].vm_id),
        "state": "Protected",
        "compliant": True,
        "recoverable": "yes",
        "action": "none",
        "region": "eastus",
        "targetRegion": "westus2",
        "vault": str(VAULT_ID),
        "madeByApp": False,
        "replicationHealth": "Normal",
        "rpoSeconds": 95,
        "tags": {"dr": "true", "DR-Profile": "Gold"},
        "findings": [],
        "acknowledged": [],
    }
    assert [row["compliant"] for row in view["value"]] == [True, False, False, False, False]
    assert view["summary"] == {
        "total": 5,
        "required": 3,
        "compliant": 1,
        "recoverable": 1,
        "byAction": {"enable": 1},
        "byState": {"FailoverVm": 1, "NotTagged": 1, "Protected": 2, "Unprotected": 1},
        "byFinding": {"FailoverVm": 1, "MissingProtection": 1, "NotTagged": 1, "Unhealthy": 1},
    }


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({}, "abcde"),
        ({"state": "Protected"}, "ab"),
        ({"state": "unprotected"}, "c"),
        ({"finding": "Unhealthy"}, "b"),
        ({"finding": "VmNotRunning"}, ""),
        ({"subscription": ELSEWHERE}, "e"),
        ({"resourceGroup": "Zoo"}, "de"),
        ({"resourceGroup": "unknown"}, ""),
        ({"region": "West Europe"}, "d"),
        ({"tag": "dr"}, "abce"),
        ({"tag": "dr-profile"}, "a"),
        ({"tag": "DR-PROFILE=gold"}, "a"),
        ({"tag": "dr-profile=silver"}, ""),
        ({"tag": "dr="}, ""),
        ({"state": "Protected", "finding": "Unhealthy", "tag": "dr=TRUE"}, "b"),
        ({"state": "Protected", "region": "westeurope"}, ""),
        ({"format": "json"}, "abcde"),
    ],
)
async def test_filters_leave_those_that_fit_all_of_them_and_the_summary_counts_those(
    query: dict[str, str], left: str
) -> None:
    assert await names(**query) == left


FLEET = (
    vm_status("a", rpo_seconds=60, need=need()),
    vm_status("b", rpo_seconds=300, need=need()),
    vm_status("c", rpo_seconds=900, need=need()),
    vm_status("d", location="westeurope", rpo_seconds=100, need=need()),
    vm_status("e", location="westeurope", need=need()),
    vm_status("f", location="westeurope", rpo_seconds=100, need=need(), findings=(warning("Unhealthy", "Ill."),)),
    vm_status("g", State.UNPROTECTED, findings=(finding_of("MissingProtection", "Not yet."),)),
    vm_status("h", State.NOT_TAGGED, tags={}),
)
"""Four cores are left of the region's total, for six VMs of two."""


@pytest.mark.parametrize(
    ("query", "regions", "rows"),
    [
        (
            {},
            [
                ("eastus", 4, 2, {"MissingProtection": 1, "TargetQuotaExceeded": 1}, {}, 300),
                ("westeurope", 3, 1, {"TargetQuotaExceeded": 1}, {"RpoUnknown": 1}, 100),
            ],
            "a:yes b:yes c:no d:no e:no f:no g:no h:None",
        ),
        (
            {"lost": "East US"},
            [("eastus", 4, 2, {"MissingProtection": 1, "TargetQuotaExceeded": 1}, {}, 300)],
            "a:yes b:yes c:no g:no h:None",
        ),
        ({"lost": "westeurope"}, [("westeurope", 3, 1, {"TargetQuotaExceeded": 1}, {"RpoUnknown": 1}, 100)], ""),
        ({"lost": "eastus", "state": "Unprotected"}, [("eastus", 1, 0, {"MissingProtection": 1}, {}, None)], "g:no"),
        (
            {"lost": "eastus", "finding": "TargetQuotaExceeded"},
            [("eastus", 1, 0, {"TargetQuotaExceeded": 1}, {}, None)],
            "c:no",
        ),
    ],
)
async def test_what_the_loss_of_a_region_would_mean(query: dict[str, str], regions: list[Any], rows: str) -> None:
    view = await answer_to(get_compliance(Surveyed(*FLEET), FakeHub(), get("compliance", **query)))

    names = ("region", "total", "recoverable", "notRecoverable", "unknown", "worstRpoSeconds")
    assert [tuple(each.get(name) for name in names) for each in view["recoverable"]] == regions
    assert rows in " ".join(f"{row['vmId'].rsplit('/', 1)[-1]}:{row.get('recoverable')}" for row in view["value"])
    for each in view["recoverable"]:
        assert each["total"] == each["recoverable"] + sum((each["notRecoverable"] | each["unknown"]).values())
        family, total = each["cores"]
        assert (family["quota"], total["quota"]) == (SIZE.family, "cores")
        assert (total["needed"], total["reserved"], total["limit"], total["used"]) == (6, 0, 10, 6)


async def test_the_file_of_a_lost_region_has_its_vms() -> None:
    response = await get_compliance(Surveyed(*FLEET), FakeHub(), get("compliance", lost="eastus", format="csv"))

    rows = list(csv.DictReader(io.StringIO(response.get_body().decode())))
    assert [(row["name"], row["recoverable"]) for row in rows] == [
        *(("a", "yes"), ("b", "yes"), ("c", "no"), ("g", "no"), ("h", "")),
    ]


async def test_a_region_without_a_vm_cannot_be_lost() -> None:
    status, document = await problem_of(get_compliance(Surveyed(*FLEET), FakeHub(), get("compliance", lost="uksouth")))

    (error,) = document["errors"]
    assert (status, document["code"], error["field"], error["given"]) == (400, "InvalidQuery", "lost", "uksouth")
    assert error["allowed"] == "a region that VMs are in: eastus, westeurope"


async def test_the_summary_is_of_all_that_the_filters_leave_whatever_the_page() -> None:
    view = await answer_to(get_compliance(Surveyed(*ESTATE), FakeHub(), get("compliance", tag="dr", top=1)))

    assert (len(view["value"]), view["summary"]["total"]) == (1, 4)


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ({"state": "Broken"}, "Protected, Protecting"),
        ({"finding": "Nonsense"}, "MissingProtection"),
        ({"subscription": "33333333-3333-3333-3333-333333333333"}, SUBSCRIPTION),
        ({"subscription": "prod"}, ELSEWHERE),
        ({"resourceGroup": "a/b"}, "the name of a resource group"),
        ({"region": "moon base!"}, "the name of an Azure region"),
        ({"region": "none"}, "the name of an Azure region"),
        ({"lost": "moon base!"}, "the name of an Azure region"),
        ({"tag": "owner=alice"}, "dr, dr-profile, dr-hold"),
        ({"tag": "=true"}, "dr, dr-profile, dr-hold"),
        ({"tag": "drupal-admin=hunter2"}, "dr, dr-profile, dr-hold"),
        ({"tag": "dr-secret=hunter2"}, "dr, dr-profile, dr-hold"),
        ({"top": "0"}, "1 to 1000"),
        ({"top": "1001"}, "1 to 1000"),
        ({"top": "ten"}, "1 to 1000"),
        ({"top": "\u0663"}, "1 to 1000"),
        ({"top": "9" * 5000}, "1 to 1000"),
        ({"after": "%%%"}, "nextLink"),
        ({"after": "_____"}, "nextLink"),
        ({"format": "xml"}, "json, csv"),
        ({"sort": "name"}, "state, finding"),
        ({"State": "Protected"}, "state, finding"),
    ],
)
async def test_what_cannot_be_is_reported_with_what_was_given_and_what_is_allowed(
    query: dict[str, Any], allowed: str
) -> None:
    azure = Surveyed(*ESTATE)

    status, problem = await problem_of(get_compliance(azure, FakeHub(), get("compliance", **query)))

    ((name, value),) = query.items()
    (error,) = problem["errors"]
    assert (status, problem["code"]) == (400, "InvalidQuery")
    assert (error["field"], error["given"]) == (name, value[:80])
    assert allowed in error["allowed"]


async def test_everything_that_is_wrong_is_reported_at_once() -> None:
    _, problem = await problem_of(
        get_compliance(Surveyed(), FakeHub(), get("compliance", state="x", top=0, nonsense=1))
    )

    assert {error["field"] for error in problem["errors"]} == {"state", "top", "nonsense"}


# Pages


@given(st.lists(st.integers(0, 40), unique=True), st.integers(1, 12))
async def test_the_pages_hold_every_vm_once_in_order(numbers: list[int], top: int) -> None:
    azure = Surveyed(*(vm_status(f"vm-{number:02}") for number in numbers))
    request = get("compliance", top=top, state="Protected")
    found: list[str] = []
    while True:
        view = await answer_to(get_compliance(azure, FakeHub(), request))
        assert len(view["value"]) <= top
        assert view["summary"]["total"] == len(numbers)
        found += [row["vmId"] for row in view["value"]]
        if not view["nextLink"]:
            break
        request = follow(view["nextLink"])

    assert found == sorted(str(vm_status(f"vm-{number:02}").vm_id) for number in numbers)


async def test_a_page_goes_on_where_the_one_before_ended_whatever_has_come_or_gone() -> None:
    before, after = [vm_status(name) for name in "bdf"], [vm_status(name) for name in "acdefg"]
    first = await answer_to(get_compliance(Surveyed(*before), FakeHub(), get("compliance", top=2)))

    rest = await answer_to(get_compliance(Surveyed(*after), FakeHub(), follow(first["nextLink"])))

    assert [row["vmId"][-1] for row in first["value"] + rest["value"]] == ["b", "d", "e", "f"]


async def test_a_page_has_a_hundred_unless_somebody_asks_for_more_or_less() -> None:
    azure = Surveyed(*(vm_status(f"vm-{number:04}") for number in range(1001)))

    default = await answer_to(get_compliance(azure, FakeHub(), get("compliance")))
    most = await answer_to(get_compliance(azure, FakeHub(), get("compliance", top=1000)))

    assert (len(default["value"]), len(most["value"])) == (100, 1000)
    assert most["nextLink"]


# Reasons

QUOTA = finding_of("TargetQuotaExceeded", "No cores.", target="westus2", tag="dr")
DENIED = Error(code="AuthorizationFailed", message="No right.", action="Assign a role.")
MISSING = warning("MissingProtection", "Nothing protects it.")


def missing(name: str) -> VmStatus:
    return vm_status(name, State.UNPROTECTED, action=Action.ENABLE, findings=(MISSING,))


def hub_of(**runs: dict[str, Any]) -> FakeHub:
    """The runs by the names of their VMs; a result is that of a completed one."""
    hub = FakeHub()
    for name, run in runs.items():
        vm = vm_status(name).vm_id
        result = RunResult(vm_id=vm, **run["result"]).dump() if "result" in run else None
        status = Status.Completed if result else run.pop("status", Status.Running)
        shown = {"lastUpdatedTime": READ_AT.isoformat(), "output": result, **run}
        hub.put(instance_of(vm), status, **shown)
    return hub


RUNS: dict[str, dict[str, Any]] = {
    "a": {"result": {"outcome": RunOutcome.NOT_ELIGIBLE, "findings": (QUOTA,)}},
    "b": {"result": {"outcome": RunOutcome.FAILED, "error": DENIED}},
    "c": {
        "customStatus": {
            "step": "Creating fabric",
            "lastError": DENIED.dump(),
            "resumeAt": "2026-05-01T13:00:00Z",
        }
    },
    "d": {"status": Status.Terminated, "output": "Somebody."},
    "e": {"result": {"outcome": RunOutcome.FAILED}, "output": {"outcome": "Unheard-of"}},
}


async def test_the_reason_of_a_missing_protection_is_what_its_last_run_met_with() -> None:
    estate = [missing(name) for name in "abcdef"]

    view = await answer_to(get_compliance(Surveyed(*estate), hub_of(**RUNS), get("compliance")))

    reasons = [row["reason"] for row in view["value"]]
    assert [reason["code"] for reason in reasons] == [
        *("TargetQuotaExceeded", "AuthorizationFailed", "AuthorizationFailed", "RunEnded"),
        *("MissingProtection", "MissingProtection"),
    ]
    assert [reason["text"].split(":")[-1].strip() for reason in reasons] == [
        *("No cores.", "No right.", "No right.", "Its run ended as Terminated. Somebody."),
        *("its state is of another version of the app.", "the next sweep starts one."),
    ]
    assert all(reason["fix"] for reason in reasons[:4])
    assert [reason.get("nextTry") for reason in reasons] == [
        *("2026-05-01T18:00:00Z", None, "2026-05-01T13:00:00Z"),
        *(None, None, None),
    ]
    assert reasons[0]["since"] == "2026-05-01T12:00:00Z"


async def test_the_file_has_the_reason_the_fix_and_since_when() -> None:
    estate = [missing("a"), vm_status("z")]
    response = await get_compliance(Surveyed(*estate), hub_of(**RUNS), get("compliance", format="csv"))

    first, compliant = csv.DictReader(io.StringIO(response.get_body().decode()))
    assert (first["reason"], first["fix"], first["since"], first["nextTry"]) == (
        "TargetQuotaExceeded: No cores.",
        QUOTA.fix,
        "2026-05-01T12:00:00+00:00",
        "2026-05-01T18:00:00+00:00",
    )
    assert {compliant[name] for name in ("reason", "fix", "since", "nextTry")} == {""}


class CountingHub(FakeHub):
    """Counts the reads; fails for the instance of one VM."""

    def __init__(self, broken: str = "") -> None:
        super().__init__()
        self.reads: list[str] = []
        self.broken = instance_of(vm_status(broken).vm_id) if broken else ""

    async def get_status(self, instance: str, **more: Any) -> Any:
        self.reads.append(instance)
        if instance == self.broken:
            raise RuntimeError("The host is busy.\n  Stack")
        return await super().get_status(instance, **more)


async def test_only_the_runs_of_the_vms_that_are_shown_and_need_something_are_read() -> None:
    hub, estate = CountingHub(), [missing("a"), *ESTATE, missing("zz")]

    await answer_to(get_compliance(Surveyed(*estate), hub, get("compliance", top=3)))

    assert hub.reads == [instance_of(missing("a").vm_id)]


async def test_a_run_that_cannot_be_read_is_said_to_be_so() -> None:
    view = await answer_to(get_compliance(Surveyed(missing("a")), CountingHub("a"), get("compliance")))

    assert view["value"][0]["reason"]["text"].endswith("could not be read: The host is busy.")


async def test_a_file_of_ten_thousand_reads_a_bounded_number_of_runs_and_says_so() -> None:
    hub, many = CountingHub(), [missing(f"vm-{number:05}") for number in range(10_000)]

    found = await rows(*many, hub=hub, format="csv")

    assert len(hub.reads) == MOST_RUNS
    assert "only those of the first 1,000 VMs" in found[MOST_RUNS]["reason"]
    assert "No run of it is known" in found[MOST_RUNS - 1]["reason"]


# CSV


async def rows(*vm_statuses: VmStatus, **query: Any) -> list[dict[str, str]]:
    gaps, hub = query.pop("gaps", ()), query.pop("hub", FakeHub())
    response = await get_compliance(Surveyed(*vm_statuses, gaps=gaps), hub, get("compliance", **query))
    assert (response.status_code, response.mimetype) == (200, "text/csv")
    assert "compliance.csv" in response.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(response.get_body().decode())))


@pytest.mark.parametrize(
    "asked",
    [
        {"format": "csv"},
        {"accept": "text/csv"},
        {"accept": "Text/CSV; charset=utf-8, */*"},
        {"format": "csv", "accept": "application/json"},
    ],
)
async def test_as_a_file_it_holds_every_row_that_the_filters_leave(asked: dict[str, Any]) -> None:
    many = [vm_status(f"vm-{number:04}") for number in range(1500)]

    found = await rows(*many, vm_status("other", State.FAILED), state="Protected", **asked)

    assert [row["name"] for row in found] == [each.vm_id.name for each in many]
    assert tuple(found[0]) == COLUMNS


@pytest.mark.parametrize("asked", [{"format": "json", "accept": "text/csv"}, {"accept": "*/*"}])
async def test_as_json_it_comes_where_no_file_is_asked_for(asked: dict[str, Any]) -> None:
    response = await get_compliance(Surveyed(*ESTATE), FakeHub(), get("compliance", **asked))

    assert json.loads(response.get_body())["value"]


@pytest.mark.parametrize("page", [{"top": 5}, {"after": "YQ"}])
async def test_a_file_has_no_pages(page: dict[str, Any]) -> None:
    status, problem = await problem_of(get_compliance(Surveyed(), FakeHub(), get("compliance", format="csv", **page)))

    assert (status, [error["field"] for error in problem["errors"]]) == (400, list(page))


async def test_a_row_has_all_that_an_auditor_asks_for() -> None:
    first, second, *_ = await rows(*ESTATE, format="csv", gaps=("Half.",))

    assert first["vmId"] == str(ESTATE[0].vm_id)
    assert (first["subscription"], first["resourceGroup"], first["name"]) == (SUBSCRIPTION, "web", "a")
    assert (first["state"], first["compliant"], first["rpoSeconds"], first["percent"]) == (
        "Protected",
        "true",
        "95",
        "",
    )
    assert first["tags"] == "DR-Profile=Gold; dr=true"
    assert (second["compliant"], second["findings"], second["messages"]) == ("false", "Unhealthy", "It is ill.")
    assert {(row["readAt"], row["partial"]) for row in (first, second)} == {("2026-05-01T12:00:00+00:00", "true")}


NASTY = st.text(st.sampled_from("=+-@\uff1d\t\r\n\"';,a1|! "), max_size=12)
FORMULA = re.compile("[=+@\uff1d\uff0b\uff20\uff0d-]")
"""What begins a formula, at the beginning of a cell and behind what may be taken for the end of one."""


@given(NASTY, NASTY)
async def test_no_cell_is_a_formula_whatever_people_write(text: str, value: str) -> None:
    hostile = vm_status("a", tags={f"{text}dr": value}, findings=(warning(text, value),), replication_health=text)

    (row,) = await rows(hostile, format="csv")

    parts = [part.strip(' "') for cell in row.values() for part in re.split(r"[;,\t\r\n|]", cell)]
    assert not [part for part in parts if FORMULA.match(part)]
    assert row["messages"].replace("'", "") == value.replace("'", "")
    assert row["replicationHealth"].replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("apart", [";", "\t", "\n", "\r\n", ",", "; ", "\t "])
async def test_no_formula_stands_behind_what_a_spreadsheet_may_split_at(apart: str) -> None:
    tags, findings = {"dr": f"true{apart}=cmd|'/c calc'!A1"}, (warning("Odd", f"a{apart}@SUM(1)"),)
    hostile = vm_status("a", tags=tags, findings=findings)

    (row,) = await rows(hostile, format="csv")

    assert row["tags"] == f"dr=true{apart}'=cmd|'/c calc'!A1"
    assert row["messages"] == f"a{apart}'@SUM(1)"


async def test_every_field_of_the_file_is_quoted() -> None:
    response = await get_compliance(Surveyed(vm_status("a")), FakeHub(), get("compliance", format="csv"))

    head, row, end = response.get_body().decode().split("\r\n")
    assert end == ""
    for line in (head, row):
        assert re.fullmatch(r'"[^"]*"(,"[^"]*")*', line)


# From Azure


async def test_it_is_what_azure_reports_read_by_a_handful_of_lists_and_shared() -> None:
    cloud = Cloud()
    cloud.add_vm(tags={"dr": "true"})
    cloud.vault["replication_protected_items"].append(item_body("Protected", our_item_name(), rpoInSeconds=95))
    azure = FakeAzure(settings(), cloud)

    view = await answer_to(get_compliance(azure, FakeHub(), get("compliance")))
    reads = len(cloud.reads)
    await answer_to(get_compliance(azure, FakeHub(), get("compliance", state="Failed")))

    (row,) = view["value"]
    assert (row["vmId"], row["state"], row["rpoSeconds"], row["madeByApp"]) == (str(VM_ID), "Protected", 95, True)
    assert row["itemId"].endswith(our_item_name())
    assert len(cloud.reads) == reads <= 7
    assert cloud.writes == []


@pytest.mark.parametrize("wanted", ["json", "csv"])
async def test_no_tag_is_shown_that_the_app_does_not_know(wanted: str) -> None:
    cloud = Cloud()
    cloud.add_vm(tags={"dr": "true", "DR-Hold": "x", **dict.fromkeys(("drupal-admin", "dr-secret", "dr-"), "hunter2")})

    response = await get_compliance(FakeAzure(settings(), cloud), FakeHub(), get("compliance", format=wanted))

    shown = response.get_body().decode()
    assert "hunter2" not in shown
    assert "DR-Hold" in shown


async def test_what_could_not_be_read_is_said() -> None:
    cloud = Cloud()
    cloud.faults["graph"] = answer(403, "AuthorizationFailed", "No right.")

    view = await answer_to(get_compliance(FakeAzure(settings(), cloud), FakeHub(), get("compliance")))

    assert view["value"] == []
    assert any("No right." in gap for gap in view["gaps"])
