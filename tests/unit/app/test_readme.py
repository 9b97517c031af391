"""README and docs report every setting, outcome and finding, under the name that the code has for it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.config.settings import Settings, as_text
from shared.reconcile.run_state import RunOutcome

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
FINDINGS = (ROOT / "docs" / "findings.md").read_text()


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_reported_with_its_default(field: str) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `DR_{field.upper()}` |")]
    setting = Settings.model_fields[field]
    default = "required" if setting.is_required() else as_text(setting.default)
    assert row.split("|")[2].strip().strip("`") == default


@pytest.mark.parametrize("outcome", RunOutcome)
def test_every_outcome_is_reported(outcome: RunOutcome) -> None:
    assert f"| `{outcome}` |" in README


def test_every_finding_is_reported_with_what_to_do() -> None:
    constructed = re.compile(r'(?:blocker|warning|note)\(\s*"(\w+)"')
    codes = {code for file in (ROOT / "shared").rglob("*.py") for code in constructed.findall(file.read_text())}
    reported = {
        code
        for line in (README + FINDINGS).splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`(\w+)`", line)
    }
    assert len(codes) > 10
    assert codes <= reported


def test_the_settings_reference_is_what_the_app_goes_by() -> None:
    """Made from the tables: every row of the portal's page, every tag, every setting."""
    check = subprocess.run([sys.executable, "docs/build.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
