"""`python -m local package`: what is deployed, built from the project as it stands, in an environment of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.bench import importing
from local.package.packages import PLACE
from local.stack import APP

pytestmark = pytest.mark.tools

NO_REGISTRY = "the package registry cannot be reached"


def _package(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "local", "package", *arguments],
        cwd=APP,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def test_what_is_deployed_is_complete_and_works_by_itself(tmp_path: Path) -> None:
    built = tmp_path / "built"
    done = _package("--keep", str(built), "--speed", "600")
    if NO_REGISTRY in done.stderr:
        pytest.skip(NO_REGISTRY)

    assert done.returncode == 0, done.stdout + done.stderr
    reported = {line[:18].strip(): line[18:] for line in done.stdout.splitlines()}
    assert {"Deployed folder", "Packages", "Cold import"} <= reported.keys()
    assert "15 VMs ended as expected" in done.stdout
    modules = {"activities", "triggers", "orchestrators", "shared", "function_app.py"}
    app = built / "app"
    assert {each.name for each in app.iterdir()} - {"__pycache__"} == modules | {
        "host.json", "requirements.txt", "LICENSE", ".python_packages", "infra", "ui"
    }  # fmt: skip
    assert {each.name for each in (app / "infra").iterdir()} == {"page.json", "permissions.json"}

    # Nothing outside made up for anything: without one package the app is none.
    shutil.rmtree(app / PLACE / "pydantic_core")
    python = str(built / "environment" / "bin" / "python")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        importing.seconds("function_app", python, app, PYTHONPATH=str(app / PLACE))
    assert "No module named 'pydantic_core'" in failed.value.stderr


def test_without_a_registry_it_says_so(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9/simple"
    offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_INDEX_URL": nowhere}
    done = _package("--keep", str(tmp_path / "built"), **offline)

    assert done.returncode == 2, done.stdout
    assert NO_REGISTRY in done.stderr


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()

    done = _package("--keep", str(tmp_path))

    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]
