"""Every Kusto query of the project goes through Microsoft's own parser, with the columns of the tables that it reads.

Those of infra/ are among the checks of test_infra.py.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from local.simulator.graph.tables import TABLES, columns
from local.simulator.world import World
from shared.model.replicated_item import ItemNic, ItemSettings
from shared.model.resource_id import ResourceId
from shared.observe.inventory import read_inventory
from shared.observe.missing import read_namesakes
from shared.observe.orphans import made_in_target, used_elsewhere
from shared.observe.targets import read_targets
from shared.readers.management_groups import resolve_scope
from shared.readers.selection import find_vms
from shared.readers.target_vms import read_vms_in
from tests.infra.deployments import ROOT
from tests.infra.kusto import TABLES as KNOWN
from tests.infra.kusto import Parser
from tests.infra.queries import of_page, refused
from tests.unit.app.examples import NETWORK, NIC, SUBSCRIPTION, VM_ID, protected_item, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure

PAGES = [page for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")) if of_page(page)]
ASKING = {"inventory", "management_groups", "missing", "orphans", "selection", "target_vms", "targets"}
"""The modules of the app that ask Azure Resource Graph; `asked` calls each."""


@pytest.fixture
async def asked() -> dict[str, str]:
    """The queries that the app sends to Azure Resource Graph."""
    texts: list[str] = []

    class Listening(FakeAzure):
        async def post(self, path: str, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
            texts.append(body["query"])
            return await super().post(path, api_version, body)

    azure = Listening(settings(), Cloud())
    every = "/providers/Microsoft.Management/managementGroups/all"
    await resolve_scope(Listening(settings(source_scope=every), Cloud()))
    await read_inventory(azure)
    await find_vms(azure, lambda *_: True)
    await used_elsewhere(azure, ())
    await made_in_target(azure)
    await read_namesakes(azure, [VM_ID])
    await read_vms_in(azure, [VM_ID.group_id])
    group = ResourceId.of(SUBSCRIPTION, "web-asr")
    nics = (ItemNic(id="1", source=NIC, network=NETWORK, target_subnet="web", target_address="10.1.1.9"),)
    await read_targets(azure, [protected_item(settings=ItemSettings(target_group=group), nics=nics)])
    return {f"Resource Graph, query {number}": text for number, text in enumerate(texts, 1)}


def test_those_of_the_app_are_queries(asked: dict[str, str], parser: Parser) -> None:
    tables = {text.split(maxsplit=1)[0] for text in asked.values()}

    assert tables == {"resources", "resourcecontainers", "recoveryservicesresources"}
    assert len(asked) == 12
    assert refused(parser, "resourceGraph", asked) == []


def test_no_other_module_of_the_app_asks_resource_graph() -> None:
    asking = re.compile(r"^from shared\.arm\.resource_graph import .*\bquery\b", re.MULTILINE)
    folders = ("activities", "triggers", "orchestrators", "shared")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]

    assert {file.stem for file in files if asking.search(file.read_text())} == ASKING


def test_the_simulator_has_the_columns_that_the_parser_knows() -> None:
    for table in TABLES:
        schema = KNOWN["resourceGraph"][table]
        assert set(re.findall(r"[(,] ?(?:\[')?(\w+)", schema)) == set(columns(World())), table


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_those_of_the_documents_are_queries(page: Path, parser: Parser) -> None:
    assert refused(parser, "applicationInsights", of_page(page)) == []


def test_the_documents_have_some() -> None:
    assert [page.name for page in PAGES] == ["outcomes.md", "runbook.md"]


@pytest.mark.parametrize(
    ("where", "query", "named"),
    [
        ("workspace", "let last = ago(1h); AppMetrics | where TimeGenerated > last", "last"),
        ("workspace", "AppMetrics | extend kind = Name", "kind"),
        ("workspace", "AppMetrics | where Nmae == 'dr.vms.drifted'", "Nmae"),
        ("workspace", "AppMetrics | where name == 'dr.vms.drifted'", "name"),
        ("workspace", "customMetrics | take 1", "customMetrics"),
        ("workspace", "AppTraces | project TimeGenerated | where Message has 'decision'", "Message"),
        ("workspace", "AppMetrics | summarize total(Sum)", "total"),
        ("workspace", "AppMetrics | where (Name == 'dr.vms.drifted'", ")"),
        ("applicationInsights", "customMetrics | summarize sum(ValueSum)", "ValueSum"),
        ("resourceGraph", "resources | where type =~ 'a' | project id, tag | order by id asc", "tag"),
        ("resourceGraph", "resourcecontainer | project id", "resourcecontainer"),
    ],
)
def test_a_mistake_is_refused(where: str, query: str, named: str, parser: Parser) -> None:
    problems = refused(parser, where, {"the query": query})

    assert all(problem.startswith("the query: Error KS") for problem in problems)
    assert any(named in problem for problem in problems)
