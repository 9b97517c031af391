"""What is deployed: which files, and which packages beside them."""

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from local.package import folder, packages
from local.package.imports import Imported
from local.stack import APP

APP_FILES = {
    "function_app.py": "import shared.thing\nfrom triggers import put\n",
    "shared/__init__.py": "",
    "shared/thing.py": "import requests\n",
    "triggers/__init__.py": "",
    "triggers/put.py": "def put():\n    from shared import later\n",
    "shared/later.py": "from azure.identity.aio import AzureCliCredential\n",
    "host.json": "{}",
    "requirements.txt": "",
    "LICENSE": "",
    "infra/permissions.json": "{}",
    "infra/page.json": '["index.html"]',
    "ui/index.html": "",
}
IGNORED = "/tests/\n*.md\n__pycache__\nnotes*\n!notes.py\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", APP_FILES | {".funcignore": f".funcignore\n{IGNORED}"})


def write(where: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)
    return where


def examined(project: Path) -> tuple[list[str], set[str]]:
    app = project.parent / "app"
    return folder.examine(app, folder.lay(project, app), project)


def test_the_project_as_it_stands_is_laid_out_whole_and_with_nothing_beside_it(tmp_path: Path) -> None:
    files = folder.lay(APP, tmp_path / "app")

    assert folder.examine(tmp_path / "app", files, APP)[0] == []
    assert {file.parts[0] for file in files}.isdisjoint({"local", "tests", "docs", "pyproject.toml"})
    assert [file.name for file in files if file.parts[0] == "infra"] == ["page.json", "permissions.json"]
    assert Path("shared/planning/derive.py") in files


def test_the_same_sources_give_the_same_zip_and_its_checksum(project: Path, tmp_path: Path) -> None:
    packed = [tmp_path / name / "app.zip" for name in ("one", "two")]
    for file in packed:
        os.utime(project / "function_app.py", (len(str(file)) + 1_000_000_000, 2_000_000_000))
        folder.pack(project, file)

    with zipfile.ZipFile(packed[0]) as read:
        assert {name: read.read(name).decode() for name in read.namelist()} == APP_FILES
    assert packed[0].read_bytes() == packed[1].read_bytes()
    checksum = hashlib.sha256(packed[0].read_bytes()).hexdigest()
    assert (packed[0].parent / "app.zip.sha256").read_text() == f"{checksum}  app.zip\n"


def test_what_is_ignored_stays_behind(project: Path) -> None:
    behind = {"tests/test_a.py": "", "doc/page.md": "", "shared/__pycache__/thing.pyc": "", "notes.txt": ""}
    write(
        project, {**behind, "notes.py": "import shared", "function_app.py": "import notes, shared.thing, triggers.put"}
    )

    files = folder.lay(project, project.parent / "app")

    assert {file.as_posix() for file in files} == {*APP_FILES, "notes.py"}
    assert examined(project)[0] == []


def test_a_file_that_nothing_leads_to_is_named(project: Path) -> None:
    write(project, {"shared/dead.py": "import shared.thing", "local.db": "", "local/host.py": ""})

    wrong, _ = examined(project)

    assert [each.split(":")[0] for each in wrong] == ["local/host.py", "local.db", "shared/dead.py"]


def test_a_module_that_is_imported_and_left_out_is_named(project: Path) -> None:
    write(project, {".funcignore": f".funcignore\n{IGNORED}later.py\n"})

    assert examined(project)[0] == ["shared/later.py: imported, and .funcignore leaves it out"]


def test_a_file_that_the_platform_needs_is_missed(project: Path) -> None:
    (project / "host.json").unlink()

    assert examined(project)[0] == ["host.json: missing"]


def test_imports_for_the_type_checker_do_not_count(tmp_path: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import rich\nelse:\n    from a import b\n"
    write(tmp_path, {"m.py": text})

    assert Imported(tmp_path).by(Path("m.py")) == {"typing", "typing.TYPE_CHECKING", "a", "a.b"}


def installed(app: Path, name: str, modules: list[str], requires: list[str]) -> None:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {each}" for each in requires)]
    place = f"{packages.PLACE}/{name.replace('-', '_')}-1.0.dist-info"
    record = "".join(f"{module},,\n" for module in modules)
    empty = {f"{packages.PLACE}/{module}": "" for module in modules}
    write(app, {f"{place}/METADATA": "\n".join(lines), f"{place}/RECORD": record, **empty})


def examined_packages(tmp_path: Path, *declared: str) -> list[str]:
    listed = ", ".join(f'"{each}"' for each in declared)
    write(tmp_path, {"pyproject.toml": f"[project]\ndependencies = [{listed}]\n"})
    wrong, _ = packages.examine(tmp_path, tmp_path / "app", {"azure.identity", "azure.identity.aio", "token_reader"})
    return wrong


def test_packages_that_are_all_needed(tmp_path: Path) -> None:
    app = tmp_path / "app"
    installed(app, "azure-identity", ["azure/identity/__init__.py"], ["Token_Reader[crypto]>=1", "extra; extra == 'x'"])
    installed(app, "token-reader", ["token_reader.py"], ["locks; extra == 'crypto'", "old; python_version < '3'"])
    installed(app, "locks", ["locks.py"], ["azure-identity"])

    assert examined_packages(tmp_path, "azure-identity>=1,<2") == []


def test_packages_that_nothing_needs_or_imports_or_has_are_named(tmp_path: Path) -> None:
    app = tmp_path / "app"
    installed(app, "azure-identity", ["azure/identity/__init__.py"], ["gone"])
    installed(app, "azure-mgmt-network", ["azure/mgmt/network/__init__.py"], [])
    installed(app, "pytest", ["pytest.py"], [])

    assert examined_packages(tmp_path, "azure-identity", "azure_mgmt_network>=3") == [
        "pytest: in requirements.txt, and needed by nothing",
        "gone: needed, and not in requirements.txt",
        "azure-mgmt-network: required by pyproject.toml, and the app imports nothing of it",
    ]
