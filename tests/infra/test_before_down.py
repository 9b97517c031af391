"""The hook before `azd down`: run as azd runs it, against an az that answers what each test says."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.deployments import ROOT

VAULT = "/subscriptions/s/resourceGroups/rg-dr/providers/Microsoft.RecoveryServices/vaults/rsv-1"
AZ = """#!{python}
import sys
if {vault!r} + "/replicationProtectedItems?" not in sys.argv[-3]:
    sys.exit(f"not asked for the vault: {{sys.argv}}")
{answer}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(answer: str, **environment: str) -> subprocess.CompletedProcess[str]:
        az = tmp_path / "az"
        az.write_text(AZ.format(python=sys.executable, vault=VAULT, answer=answer))
        az.chmod(az.stat().st_mode | stat.S_IXUSR)
        given = {key: value for key, value in os.environ.items() if not key.startswith("DR_")}
        return subprocess.run(
            [sys.executable, "-m", "infra.hooks.before_down"],
            cwd=ROOT,
            env=given | {"PATH": f"{tmp_path}:/usr/bin:/bin"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def items(count: int) -> str:
    return f"print({json.dumps({'value': [{}] * count})!r})"


def test_with_nothing_protected_and_nothing_of_others_it_lets_azd_go_on(run: Run) -> None:
    done = run(items(0), DR_VAULT_ID=VAULT, DR_EXISTING_VAULT_ID="", DR_SOURCE_RESOURCE_GROUPS="")

    assert (done.returncode, done.stderr) == (0, "")


def test_an_environment_that_was_never_provisioned_may_go(run: Run) -> None:
    assert run("sys.exit('must not be asked')").returncode == 0


def test_while_vms_are_protected_it_stops_azd(run: Run) -> None:
    done = run(items(2), DR_VAULT_ID=VAULT)

    assert done.returncode == 1
    assert "2 VMs are protected" in done.stderr


@pytest.mark.parametrize("name", ["DR_SOURCE_RESOURCE_GROUPS", "DR_TARGET_RESOURCE_GROUPS", "DR_EXISTING_VAULT_ID"])
def test_what_was_there_before_is_not_removed(run: Run, name: str) -> None:
    done = run(items(0), **{"DR_VAULT_ID": VAULT, name: "shop-rg"})

    assert done.returncode == 1
    assert f"({name}=shop-rg)" in done.stderr
    assert "docs/deploy.md, Remove it," in done.stderr


def test_what_cannot_be_reported_stops_it_as_well(run: Run) -> None:
    done = run("sys.exit('ERROR: please run az login')", DR_VAULT_ID=VAULT)

    assert done.returncode == 1
    assert "please run az login" in done.stderr
