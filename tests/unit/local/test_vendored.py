"""The libraries of the operators' page are those that their manifest names, byte by byte, with their licences."""

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from local.stack import APP

VENDOR = APP / "ui" / "vendor"
MANIFEST: list[dict[str, Any]] = json.loads((VENDOR / "manifest.json").read_text())
PACKED = [entry for entry in MANIFEST if "package" in entry]


def test_every_file_is_what_the_manifest_says() -> None:
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in VENDOR.iterdir()}
    del hashes["manifest.json"]

    assert hashes == {entry["file"]: entry["sha256"] for entry in MANIFEST}
    licences = (VENDOR / "licenses.txt").read_text()
    assert [entry for entry in PACKED if f"{entry['package']} {entry['version']} (" not in licences] == []
    assert {entry["licence"] for entry in PACKED} <= {"MIT", "Apache-2.0"}


def test_no_module_imports_from_elsewhere() -> None:
    imported = {
        (file.name, found)
        for file in (APP / "ui").rglob("*.*js")
        for found in re.findall(r'(?<!")(?:\bfrom|\bimport)\s*\(?"([^"]+)"', file.read_text())
    }

    assert imported
    assert [each for each in sorted(imported) if not each[1].startswith(("./", "../"))] == []


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.parametrize("entry", PACKED, ids=lambda entry: str(entry["file"]))
def test_it_is_the_file_of_the_published_package(entry: dict[str, Any], tmp_path: Path) -> None:
    command = ["npm", "pack", "--silent", f"{entry['package']}@{entry['version']}"]
    name = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
    packed = (tmp_path / name).read_bytes()
    kind, _, digest = entry["integrity"].partition("-")
    assert base64.b64encode(hashlib.new(kind, packed).digest()).decode() == digest

    with tarfile.open(fileobj=io.BytesIO(packed)) as package:
        member = package.extractfile(f"package/{entry['path']}")
        assert member
        text = member.read().decode()
    for before, after in entry.get("replaced", {}).items():
        assert before in text
        text = text.replace(before, after)
    assert (VENDOR / entry["file"]).read_text() == text
