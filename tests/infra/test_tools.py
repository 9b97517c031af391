"""What the published tools say: checkov of the Bicep files, JSON schemas of host.json and of what GitHub reads."""

import json
import pickletools
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra.azure_mcp import ROOT, TOOLS
from tests.infra.test_infra import INFRA

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# Newer than the published schema: the version that an orchestration is started with.
NEWER_IN_HOST_JSON = "defaultVersion"
SKIPPED = re.compile(r"// checkov:skip=(\w+):(.+)")


def tool(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [str(TOOLS / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=150
    )


def checkov(infra: Path) -> dict[str, Any]:
    ran = tool("checkov", "--directory", str(infra), "--framework", "bicep", "--skip-download", "--output", "json")
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def failed(report: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((each["check_id"], Path(each["file_path"]).name) for each in report["results"]["failed_checks"])


def test_checkov_reads_every_file_and_finds_nothing() -> None:
    report = checkov(INFRA)

    # A file that it cannot read it counts, and passes.
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 20
    assert failed(report) == []


def test_every_rule_that_is_skipped_says_why_and_would_fail(tmp_path: Path) -> None:
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy)
    skipped = []
    for file in copy.rglob("*.bicep"):
        text = file.read_text()
        for rule, why in SKIPPED.findall(text):
            assert len(why) > 15, f"{file.name}: {rule}: {why}"
            skipped.append((rule, file.name))
        file.write_text(SKIPPED.sub("", text))

    assert skipped
    assert failed(checkov(copy)) == sorted(skipped)


def schema_of_host_json() -> dict[str, Any]:
    """Out of a package that keeps JSON Schema Store's answers as pickles: read without running them."""
    [store] = (TOOLS.parent / "lib").glob("python*/site-packages/schemastore/cache.sqlite")
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
        rows = [blob for (blob,) in connection.execute("select value from responses")]
    connection.close()
    for blob in rows:
        values = [value for _, value, _ in pickletools.genops(blob)]
        if "https://json.schemastore.org/host.json" in values:
            body = max((value for value in values if isinstance(value, bytes)), key=len)
            schema: dict[str, Any] = json.loads(body)
            return schema
    raise LookupError("the package has no schema of host.json")


def test_host_json_is_as_its_schema_says(tmp_path: Path) -> None:
    schema, instance = tmp_path / "schema.json", tmp_path / "host.json"
    schema.write_text(json.dumps(schema_of_host_json()))
    host = json.loads((ROOT / "host.json").read_text())
    del host["extensions"]["durableTask"][NEWER_IN_HOST_JSON]
    instance.write_text(json.dumps(host))

    ran = tool("check-jsonschema", "--schemafile", str(schema), str(instance))
    assert ran.returncode == 0, ran.stdout

    host["extensions"]["durableTask"]["hubNames"] = "a typo"
    instance.write_text(json.dumps(host))
    assert tool("check-jsonschema", "--schemafile", str(schema), str(instance)).returncode == 1


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        *(("vendor.github-workflows", file) for file in WORKFLOWS),
        ("vendor.dependabot", ROOT / ".github" / "dependabot.yml"),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_what_github_reads_is_as_its_schemas_say(schema: str, file: Path) -> None:
    ran = tool("check-jsonschema", "--builtin-schema", schema, str(file))

    assert ran.returncode == 0, ran.stdout


def test_there_are_workflows() -> None:
    assert {file.stem for file in WORKFLOWS} == {"test", "deploy"}
