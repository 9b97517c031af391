"""The stack to try by hand, as a person runs it: `python -m local serve`."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from local.stack import APP
from tests.e2e.commands import command, read_until, shell, started
from tests.estates import estate, vm, vm_id
from tests.waiting import longer

SPEED = "600"
VARIABLES = tuple(f"  {name}=" for name in ("DR_APP_URL", "VM", "KEY", "JSON", "BODY"))
PRINTS_NOTHING = {"All VMs as a file for a spreadsheet", "The same as a page to print or to file"}


def _estate_file(folder: Path, **demo: Any) -> Path:
    vms = [
        vm("web-1", tagged=False, expect={"outcome": "Protected"}),
        vm("web-2", power="deallocated", expect={"outcome": "NotEligible"}),
    ]
    file = folder / "estate.json"
    file.write_text(json.dumps(estate(vms, demo=demo)))
    return file


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.long
def test_what_serve_prints_works_and_it_stops_when_reported(tmp_path: Path) -> None:
    demo = {
        "put": {"vm": vm_id("web-1"), "body": {"dr-profile": "gold", "dr-target-size": "Standard_D4s_v5"}},
        "profiles": {"gold": {"allow": {"target-size": ["*"]}}},
    }
    file = _estate_file(tmp_path, **demo)
    places = {"PORT": "0", "SIM_PORT": "0", "STATE_DIR": str(tmp_path / "state")}

    with started(command("serve", "--estate", str(file), "--speed", SPEED), places) as serve:
        printed = read_until("Ctrl-C stops both", serve.stdout)
        variables = [line.strip() for line in printed if line.startswith(VARIABLES)]

        def run(command: str) -> str:
            return shell(*variables, command.replace("curl", "curl --silent --show-error", 1))

        plan, put, get, openapi, requests = (line for line in printed if line.startswith("  curl"))
        planned = {setting["name"]: setting for setting in json.loads(run(plan))["settings"]}
        assert (planned["targetSize"]["value"], planned["targetSize"]["origin"]) == ("Standard_D4s_v5", "request")
        assert "gold" in run(openapi)
        assert "202 Accepted" in run(put)
        deadline = time.monotonic() + longer(60)
        while (answer := json.loads(run(get)))["running"]:
            assert time.monotonic() < deadline, answer
            time.sleep(0.2)
        assert answer["run"]["outcome"] == "Protected"
        assert answer["item"]["source"].lower() == vm_id("web-1").lower()
        assert answer["item"]["settings"]["size"] == "Standard_D4s_v5"
        assert any(request["method"] == "PATCH" for request in json.loads(run(requests)))

        serve.send_signal(signal.SIGTERM)

        assert serve.wait(longer(20)) == 0
    with started(command("serve", "--estate", str(file)), places | {"DR_DEPLOYMENT": "mine"}) as serve:
        printed = read_until("Ctrl-C stops both", serve.stdout)
        variables = [line.strip() for line in printed if line.startswith(VARIABLES)]
        get = [line for line in printed if line.startswith("  curl")][2]

        # The VMs are new, and so is the history.
        answer = json.loads(run(get))
        assert (answer["running"], answer["run"], answer["item"]) == (False, None, None)
        assert [line.split()[-1] for line in printed if "DR_DEPLOYMENT=" in line] == ["DR_DEPLOYMENT=mine"]
        serve.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("name", "text"), [("DR_PAUSD", "not a setting of this app"), ("DR_ARM_ENDPOINT", "the address of the simulator")]
)
def test_serve_refuses_settings_that_are_misspelt_or_its_own(tmp_path: Path, name: str, text: str) -> None:
    places = {"PORT": "0", "SIM_PORT": "0", "STATE_DIR": str(tmp_path), name: "true"}
    with started(command("serve"), places) as serve:
        assert serve.wait(longer(60)) == 2
        assert serve.stderr
        printed = serve.stderr.read()
    assert f"{name}: " in printed
    assert text in printed


def test_serve_says_what_ended_when_a_process_dies_and_its_files_are_its_owner_s_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with started(command("serve"), {"PORT": "0", "SIM_PORT": "0", "STATE_DIR": str(state)}) as serve:
        read_until("Ctrl-C stops both", serve.stdout)
        pid = json.loads((state / "simulator" / "simulator.json").read_text())["pid"]
        files = {path: path.stat().st_mode for path in (state, *state.rglob("*"))}

        assert {"host.log", "simulator.log", "estate.json", "ca.pem", "keys.json"} <= {path.name for path in files}
        again = subprocess.run(  # noqa: S603
            command("serve"),
            env=os.environ | {"PORT": "0", "SIM_PORT": "0", "STATE_DIR": str(state)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (again.returncode, "another `serve` uses" in again.stderr) == (2, True)
        assert [path.name for path in files if not path.exists()] == []
        assert not [path for path, mode in files.items() if mode & 0o077]

        os.kill(pid, signal.SIGKILL)

        assert serve.wait(longer(20)) == 2
        assert serve.stderr
        assert "The simulator has ended" in serve.stderr.read()


def _pasted() -> dict[str, str]:
    """The commands of docs/api.md, by the question above each."""
    block = (APP / "docs" / "api.md").read_text().split("```sh\n")[1].split("```")[0]
    paragraphs = (paragraph.partition("\n") for paragraph in block.strip().split("\n\n"))
    return {question.removeprefix("# "): commands for question, _, commands in paragraphs}


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is not installed")
@pytest.mark.long
def test_every_command_of_the_api_page_answers_its_question(tmp_path: Path) -> None:
    places = {"PORT": "0", "SIM_PORT": "0", "STATE_DIR": str(tmp_path / "state")}
    file = _estate_file(tmp_path, put={"vm": vm_id("web-1"), "body": {}})
    asked = _pasted()
    with started(command("serve", "--estate", str(file), "--speed", SPEED), places) as serve:
        printed = read_until("Ctrl-C stops both", serve.stdout)
        variables = [line.strip() for line in printed if line.startswith(VARIABLES)]

        def ask(question: str) -> str:
            lines = re.sub(r"-o (compliance\.csv|report\.html)", rf"-o {tmp_path}/\1", asked[question])
            return shell(*variables, lines)

        assert json.loads(ask("Protect the VM"))["order"]
        stands = next(question for question in asked if question.startswith("How does it stand"))
        deadline = time.monotonic() + longer(60)
        while json.loads(ask(stands))["outcome"] != "Protected":
            assert time.monotonic() < deadline, ask(stands)
            time.sleep(0.2)
        answers = {question: ask(question) for question in asked}
        serve.send_signal(signal.SIGTERM)
    print(json.dumps(answers, indent=1))  # noqa: T201 - pytest shows it when the test fails
    silent = {question for question, answer in answers.items() if not answer.strip()}
    assert silent == PRINTS_NOTHING | {"What failed, when, and what is to be done?"}
    assert json.loads(answers["Protect several, and follow them"])["total"] == 1
    assert "null" not in answers["How many are compliant, and what is wrong with the others? What could not be read?"]
    assert "web-1" in (tmp_path / "compliance.csv").read_text()
    assert "function key  by http" in answers["Who asked for which change in that time?"]
    assert "web-1" in (tmp_path / "report.html").read_text()
    assert (
        "installs its agent in a running VM only"
        in answers["Which VMs are not protected, why, and when does the app try again?"]
    )
