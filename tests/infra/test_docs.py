"""The pages that tell how to run the app: what they name is there, and each command is marked as run or not."""

import json
import re
from pathlib import Path

import pytest

from local.bench import results
from local.bench.figures import RUNNING
from tests.infra.deployments import INFRA, ROOT, Infra

DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), *(ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md"))]
LOCAL_PAGES = sorted((ROOT / "local").rglob("*.md"))


def anchors(page: Path) -> set[str]:
    return {heading.lower() for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("file", ["modules/alerts.bicep", "events.bicep"])
def test_each_alert_names_a_part_of_the_runbook(file: str) -> None:
    named = re.findall(r"See the runbook: ([^.']+)\.|see the runbook: ([^.']+)\.", (INFRA / file).read_text())

    assert named
    for name in (first or second for first, second in named):
        assert name.lower() in anchors(DOCS / "runbook.md")


def slugs(page: Path) -> set[str]:
    """The anchors of its headings, as GitHub makes them."""
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in anchors(page)}


@pytest.mark.parametrize("page", [*PAGES, *LOCAL_PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        led_to = page.parent / target if target else page
        assert led_to.exists(), target
        assert not anchor or anchor in slugs(led_to), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_that_is_named_is_there(page: Path) -> None:
    for name in re.findall(r"`((?:infra|tests|modules|docs|\.github)/[\w./-]+\.\w+)`", page.read_text()):
        assert (ROOT / name).exists() or (INFRA / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_marked_as_run_or_as_needing_azure(page: Path) -> None:
    text = page.read_text()
    if re.search(r"^(az|azd|curl|python3|make) ", text, re.MULTILINE):
        assert re.search(r"needs? live Azure", text), page.name


def test_each_parameter_that_a_page_names_is_one(infra: Infra) -> None:
    """In the loop for one more subscription, and in the environment that azd is reported."""
    takes = infra.template("subscription.bicep")["parameters"]
    reported = re.search(r"--parameters (.+?)\n  python3", (DOCS / "permissions.md").read_text(), re.DOTALL)
    assert reported
    given = set(re.findall(r"(\w+)=", reported[1]))
    assert given <= set(takes)
    assert {name for name, declared in takes.items() if "defaultValue" not in declared} <= given

    read = (INFRA / "main.parameters.json").read_text() + (INFRA / "hooks" / "deploy_events.py").read_text()
    written = "".join(page.read_text() for page in PAGES)
    for name in set(re.findall(r"azd env set (\w+)", written)):
        assert re.search(rf"\b{name}\b", read), name


def test_what_the_hook_and_the_loop_take_from_azd_is_put_out_by_main(infra: Infra) -> None:
    outputs = set(infra.template("main.bicep")["outputs"])
    hook = (INFRA / "hooks" / "deploy_events.py").read_text()

    required = re.findall(r'\("--[a-z-]+", "(DR_[A-Z_]+)", ', hook)
    assert len(required) == 5
    assert set(required) <= outputs
    before_down = (INFRA / "hooks" / "before_down.py").read_text()
    assert {"DR_APP_PRINCIPAL_ID", "DR_VAULT_PRINCIPAL_ID", *re.findall(r'get\("(\w+)"\)', before_down)} <= outputs
    read = (INFRA / "main.parameters.json").read_text()
    assert all(f"${{{name}=}}" in read for name in re.findall(r'^    "(DR_\w+)"', before_down, re.MULTILINE))


def test_the_rights_on_the_source_are_those_of_the_roles(infra: Infra) -> None:
    """The table says which of them the app has: of the VMs by one role, of the cache accounts by another."""
    section = (
        (DOCS / "permissions.md").read_text().partition("## What Azure checks on the source")[2].partition("\n## ")[0]
    )
    rows = re.findall(r"^\| `(\S+)` \| [^|]+ \| [^|]+ \| (yes|no) \|$", section, re.MULTILINE)

    assert len(rows) == 8
    has = {*infra.roles["sourceTagger"]["actions"], *infra.roles["cacheUser"]["actions"]}
    assert {action: action in has for action, _ in rows} == {action: yes == "yes" for action, yes in rows}


def test_azd_finds_what_azure_yaml_names() -> None:
    text = (ROOT / "azure.yaml").read_text()
    assert "path: infra\n  module: main\n" in text
    scripts = re.findall(r"run: python3? ([^-\s]\S+)", text)
    scripts += [f"{module.replace('.', '/')}.py" for module in re.findall(r"run: python3? -m (\S+)", text)]
    assert len(scripts) == 8
    for path in scripts:
        assert (ROOT / path).is_file()
    [service] = re.findall(r"^services:\n  (\w+):$", text, re.MULTILINE)
    assert f"'azd-service-name': '{service}'" in (INFRA / "modules" / "app.bicep").read_text()


def test_what_is_polled_is_that_of_host_json() -> None:
    durable = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]["storageProvider"]
    text = (ROOT / "docs" / "cost.md").read_text()
    rows = re.findall(r"^\| (\**)(\d+) s\**(?: \(.*\))? \| ([\d,]+) \|", text, re.MULTILINE)
    queues, month = durable["partitionCount"] + 1, 30 * 86_400

    assert [seconds for bold, seconds, _ in rows if bold] == [str(int(durable["maxQueuePollingInterval"][-2:]))]
    assert [polls for *_, polls in rows] == [f"{queues * month // int(seconds):,}" for _, seconds, _ in rows]


def test_the_formulas_of_cost_have_what_was_measured_last() -> None:
    text = (ROOT / "docs" / "cost.md").read_text()
    measured: dict[str, int] = {name: round(value) for name, value in results.load()["figures"].items()}
    sweep, event = RUNNING[-2], RUNNING[-1]

    def of(what: str, name: str) -> int:
        return measured[f"running.{name} of {what}"]

    def calls(what: str) -> int:
        return of(what, "activities") + of(what, "orchestrators") + 1

    idle, enabled = f"{measured['running.idle']:,}", measured["durable.transactions"]
    enables = measured["durable.activities"] + measured["durable.replays"] + 1
    calls_to_azure = [of(each, "calls") for each in (RUNNING[0], sweep, event)] + [measured["one.calls"]]
    transactions = [of(each, "transactions") for each in (sweep, event)]
    month = [f"{720 * each:,}" for each in (of(sweep, "calls"), calls(sweep), transactions[0])]
    for expected in (
        "= sweeps x {} ({} at 10,000 VMs) + events x {} + enabled x {} at most".format(*calls_to_azure),
        f"= sweeps x {calls(sweep)} + events x {calls(event)} + enabled x {enables} at most",
        "= sweeps x {} + events x {} + enabled x {} at most + hours".format(*transactions, enabled),
        f"hours that an instance runs x {idle} + polls",
        "{} calls to Azure, {} calls of functions and {} storage transactions".format(*month),
    ):
        assert expected in text


def test_the_task_hub_is_that_of_host_json(infra: Infra) -> None:
    default = infra.template("main.bicep")["parameters"]["taskHub"]["defaultValue"]
    host = json.loads((ROOT / "host.json").read_text())
    assert default == host["extensions"]["durableTask"]["hubName"]
