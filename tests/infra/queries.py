"""The Kusto queries of infra/ and of the documents, by the place where each is written, and what is wrong with them."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.infra.compiler import Json
from tests.infra.deployments import AZD, ROOT, Infra
from tests.infra.kusto import Parser


def check_queries(infra: Infra, parser: Parser) -> list[str]:
    """Every query of an alert and of the workbook is one, and its result has the columns that are read of it."""
    alerts, tiles = of_alerts(infra), of_workbook(infra)
    read = {name: {criterion["metricMeasureColumn"]} for name, criterion in _criteria(infra)}
    read |= {name: set(_columns_of(tile)) for name, tile in _tiles(infra)}
    return refused(parser, "workspace", {**alerts, **tiles}, read)


def refused(
    parser: Parser, where: str, queries: Mapping[str, str], read: Mapping[str, set[str]] | None = None
) -> list[str]:
    """What is wrong with queries; `read` are the columns that the result of each must have."""
    return [
        f"{name}: {problem}"
        for name, parsed in parser.parse(where, queries).items()
        for problem in (
            *parsed.problems,
            *(
                f"its result has no column {column}"
                for column in sorted((read or {}).get(name, set()) - set(parsed.columns))
                if not parsed.problems
            ),
        )
    ]


def of_alerts(infra: Infra) -> dict[str, str]:
    return {name: criterion["query"] for name, criterion in _criteria(infra)}


def of_workbook(infra: Infra) -> dict[str, str]:
    return {name: tile["query"] for name, tile in _tiles(infra)}


def of_page(page: Path) -> dict[str, str]:
    """The queries of a document: each part of a block that is set apart by an empty line."""
    blocks = re.findall(r"```(?:kusto|kql)\n(.*?)```", page.read_text(), re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"\n\s*\n", block)]
    return {f"{page.relative_to(ROOT)}, query {number}": part for number, part in enumerate(parts, 1)}


def _criteria(infra: Infra) -> Iterator[tuple[str, Json]]:
    for resource in infra.evaluated(AZD).resources:
        if resource["type"] == "Microsoft.Insights/scheduledQueryRules":
            for criterion in resource["properties"]["criteria"]["allOf"]:
                yield f"alerts.bicep: {resource['properties']['displayName']}", criterion


def _tiles(infra: Infra) -> Iterator[tuple[str, Json]]:
    for resource in infra.evaluated(AZD).resources:
        if resource["type"] == "Microsoft.Insights/workbooks":
            for item in json.loads(resource["properties"]["serializedData"])["items"]:
                if "query" in item["content"]:
                    yield f"workbook.json: {item['content']['title']}", item["content"]


def _columns_of(tile: Json) -> Iterator[str]:
    for part in tile.get("tileSettings", {}).values():
        yield part["columnMatch"]
