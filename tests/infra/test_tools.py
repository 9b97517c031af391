"""What published tools say: checkov of the built Bicep files, JSON schemas of host.json and of what GitHub reads."""

import json
import pickletools
import re
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra.deployments import INFRA, ROOT, Infra

TOOLS = ROOT / ".venv-infra" / "bin"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# Newer than the published schema: the version that an orchestration is started with.
NEWER_IN_HOST_JSON = "defaultVersion"
SKIPPED = re.compile(r"// checkov:skip=(\w+):(.+)")


def tool(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [str(TOOLS / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=500
    )


def test_checkov_finds_nothing_but_what_is_skipped_with_a_reason(infra: Infra, tmp_path: Path) -> None:
    """It reads ARM templates, not Bicep: its own parser of Bicep does not know the compiler's format."""
    skipped = []
    for file in (INFRA / "modules").glob("*.bicep"):
        template = infra.template(f"modules/{file.name}")
        # A template with imports has its resources by name: checkov reads lists only, and finds nothing in those.
        if isinstance(template["resources"], dict):
            template["resources"] = [each for each in template["resources"].values() if not each.get("existing")]
        (tmp_path / f"{file.stem}.json").write_text(json.dumps(template))
        for rule, why in SKIPPED.findall(file.read_text()):
            assert len(why) > 15, f"{file.name}: {rule}: {why}"
            skipped.append((rule, file.stem))

    ran = tool("checkov", "--directory", str(tmp_path), "--framework", "arm", "--skip-download", "--output", "json")
    report = json.loads(ran.stdout)

    # A file that it cannot read it counts, and passes.
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 20
    failed = {(each["check_id"], Path(each["file_path"]).stem) for each in report["results"]["failed_checks"]}
    assert failed == set(skipped)


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
