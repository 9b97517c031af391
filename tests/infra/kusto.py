"""Microsoft's own parser of Kusto queries, run by Node, with the columns of the tables that the queries read."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

FOLDER = Path(__file__).parent / "kusto"
TABLES: dict[str, dict[str, str]] = json.loads((FOLDER / "tables.json").read_text())
"""The schemas of the tables by where a query is asked, as Microsoft documents them: a Log Analytics workspace, the same
data under the names of Application Insights, Azure Resource Graph."""


class Parsed(NamedTuple):
    """What is wrong with a query, and the columns of its result."""

    problems: list[str]
    columns: list[str]


def missing() -> str:
    """What has to be installed before queries can be parsed; empty if all is there."""
    if shutil.which("node") is None:
        return "Node 18 or newer is needed to parse Kusto queries: install it, then `make kusto`"
    if not (FOLDER / "node_modules").is_dir():
        return "the parser of Kusto queries is not installed: `make kusto`"
    return ""


class Parser:
    """One process for many requests, since a start takes seconds. As a context manager it ends with its context."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            ["node", str(FOLDER / "parse.cjs")],  # noqa: S607
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def parse(self, where: str, queries: Mapping[str, str]) -> dict[str, Parsed]:
        """Each query by its name."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"tables": TABLES[where], "queries": dict(queries)}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise EOFError(f"the parser of Kusto queries ended with {self._process.wait()}")
        return {name: Parsed(**answer) for name, answer in json.loads(line).items()}
