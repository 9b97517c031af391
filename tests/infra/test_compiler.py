"""Which Bicep compiler is taken, and that today's date makes no test fail."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.infra.compiler import DATED, Compiler, find
from tests.infra.deployments import INFRA

OLD = """resource group 'Microsoft.Resources/resourceGroups@2021-04-01' = {
  name: 'rg'
  location: deployment().location
}
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one compiler on the PATH (`path/`) and one that `az bicep install` has fetched (`az/bin/`)."""
    for folder in ("path", "az/bin"):
        program = tmp_path / folder / "bicep"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
    monkeypatch.delenv("BICEP", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "az"))
    return tmp_path


def test_the_compiler_is_that_of_the_variable_of_the_path_or_of_az(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BICEP", "/opt/bicep")
    assert find() == "/opt/bicep"
    monkeypatch.delenv("BICEP")
    assert find() == str(tools / "path" / "bicep")
    (tools / "path" / "bicep").unlink()
    assert find() == str(tools / "az" / "bin" / "bicep")
    (tools / "az" / "bin" / "bicep").unlink()
    assert find() is None


def test_what_goes_by_todays_date_is_no_problem(compiler: Compiler, tmp_path: Path) -> None:
    shutil.copy(INFRA / "bicepconfig.json", tmp_path)
    file = tmp_path / "old.bicep"
    file.write_text(f"targetScope = 'subscription'\n\n{OLD}")

    assert {each["code"] for each in compiler.diagnostics(file)} >= DATED
    assert not [each for each in compiler.build(file)[1] if "2021-04-01" in each]


def test_a_compiler_that_ends_is_an_error() -> None:
    with Compiler(sys.executable) as ended, pytest.raises((EOFError, BrokenPipeError)):
        ended.formatted(INFRA / "main.bicep")
