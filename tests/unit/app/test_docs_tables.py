"""The documentation has every setting, outcome and finding, under the name that the code has for it, in one table."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.config.environment import as_text
from shared.config.settings import Settings
from shared.planning.catalog import CATALOG
from shared.reconcile.run_state import RunOutcome

ROOT = Path(__file__).parents[3]
SETTINGS = (ROOT / "docs" / "configure.md").read_text()
FINDINGS = (ROOT / "docs" / "findings.md").read_text()
OUTCOMES = (ROOT / "docs" / "operate.md").read_text()
PAGES = "".join(page.read_text() for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_has_a_row_with_its_default(field: str) -> None:
    (row,) = [line for line in SETTINGS.splitlines() if line.startswith(f"| `DR_{field.upper()}` |")]
    setting = Settings.model_fields[field]
    default = "required" if setting.is_required() else as_text(setting.default)
    assert row.split("|")[2].strip().strip("`") == default


@pytest.mark.parametrize("outcome", RunOutcome)
def test_every_outcome_has_a_row(outcome: RunOutcome) -> None:
    assert f"| `{outcome}` |" in OUTCOMES


def test_every_finding_has_one_row() -> None:
    of_findings = [part for part in FINDINGS.split("\n## ") if not part.startswith("Errors ")]
    rows = re.findall(r"^\| `(\w+)`", "\n".join(of_findings), re.MULTILINE)
    assert sorted(rows) == sorted(CATALOG)


def test_every_table_that_is_made_is_up_to_date() -> None:
    """Every row of the portal's page, every tag, setting, route, event, metric, role and package."""
    check = subprocess.run([sys.executable, "docs/build.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr


def test_every_table_that_build_py_makes_is_in_one_page() -> None:
    source = (ROOT / "docs" / "build.py").read_text()
    made = re.findall(r'^    "(\w+)": \w+,$', source[source.index("_TABLES") :], re.MULTILINE)
    assert len(made) > 10
    assert sorted(re.findall(r"<!-- table: (\w+) -->", PAGES)) == sorted(made)


def test_every_rule_of_the_safety_page_names_its_test() -> None:
    lines = (ROOT / "docs" / "safety.md").read_text().splitlines()
    rules = [line for line in lines if line.startswith("| ") and not line.startswith(("| rule |", "| ---"))]
    named = [re.findall(r"`([a-z0-9_/]+\.py)`", rule.rsplit(" | ", 1)[1]) for rule in rules]
    assert len(rules) > 20
    assert [rule for rule, tests in zip(rules, named, strict=True) if not tests] == []
    assert {test for tests in named for test in tests if not (ROOT / "tests" / test).is_file()} == set()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 8192
