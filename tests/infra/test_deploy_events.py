"""The hook that deploys events.bicep: against an az that answers what each test says, by real processes."""

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import deploy_events
from tests.infra.deployments import Infra

APP = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-dr/providers/Microsoft.Web/sites/func-dr"
ENVIRONMENT = {
    "DR_SOURCE_SUBSCRIPTION": "22222222-2222-4222-8222-222222222222",
    "DR_EVENTS_GROUP": "rg-dr-events",
    "DR_APP_ID": APP,
    "DR_APP_URL": "https://func-dr.example",
    "DR_ACTION_GROUP_ID": "/subscriptions/x/resourceGroups/rg-dr/providers/Microsoft.Insights/actionGroups/ag",
}
NOT_FOUND = "(Endpoint validation) Destination endpoint not found"

# Answers the next line of a script that begins with the operation, or with success; keeps what it was asked.
AZ = """#!{python}
import json, sys
from pathlib import Path
folder = Path(__file__).parent
arguments = sys.argv[1:]
asked = "deploy" if arguments[0] == "deployment" else "keys" if "listKeys" in " ".join(arguments) else "look"
parameters = {{}}
if asked == "deploy":
    file = Path(arguments[arguments.index("--parameters") + 1].removeprefix("@"))
    parameters = {{name: each["value"] for name, each in json.loads(file.read_text())["parameters"].items()}}
    parameters["mode"] = file.stat().st_mode & 0o777
with (folder / "log").open("a") as log:
    log.write(json.dumps([asked, arguments, parameters]) + "\\n")
script = json.loads((folder / "script").read_text())
answer = script[asked].pop(0) if script[asked] else ""
(folder / "script").write_text(json.dumps(script))
if answer:
    sys.exit(answer)
print(json.dumps({{"systemKeys": {{"eventgrid_extension": "s3cret"}}}} if asked == "keys" else {{}}))
"""

Run = Callable[..., tuple[int, list[Any]]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the hook with what az refuses, operation by operation; gives its exit code and what az was asked."""
    az = tmp_path / "az"
    az.write_text(AZ.format(python=sys.executable))
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(deploy_events, "PAUSE_SECONDS", 0)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, **refused: list[str]) -> tuple[int, list[Any]]:
        (tmp_path / "script").write_text(json.dumps({"look": [], "deploy": [], "keys": [], **refused}))
        code = deploy_events.main(list(arguments))
        return code, [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]

    return run


def deployments(asked: list[Any]) -> list[dict[str, Any]]:
    return [parameters for what, _, parameters in asked if what == "deploy"]


def test_it_waits_for_the_function_and_deploys(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    code, asked = run(look=["ERROR: not found", "ERROR: not found"])

    assert code == 0
    assert [what for what, *_ in asked] == ["look", "look", "look", "deploy"]
    _, arguments, parameters = asked[-1]
    assert arguments[arguments.index("--subscription") + 1] == ENVIRONMENT["DR_SOURCE_SUBSCRIPTION"]
    assert arguments[arguments.index("--resource-group") + 1] == "rg-dr-events"
    assert (parameters["appId"], parameters["destination"], parameters["source"]) == (APP, "function", "operations")
    assert "as a function" in capsys.readouterr().out


def test_what_it_gives_is_what_the_template_takes(run: Run, infra: Infra) -> None:
    _, asked = run("--destination", "webhook", "--existing-topic", "mine", "--dead-letter")

    takes = infra.template("events.bicep")["parameters"]
    [given] = deployments(asked)
    assert given.keys() - {"mode"} <= takes.keys()
    assert {name for name, reported in takes.items() if "defaultValue" not in reported} <= given.keys()
    assert (given["existingTopicName"], given["deadLetter"]) == ("mine", True)


def test_it_tries_again_while_event_grid_does_not_see_the_function(run: Run) -> None:
    code, asked = run(deploy=[NOT_FOUND, NOT_FOUND])

    assert code == 0
    assert [each["destination"] for each in deployments(asked)] == ["function"] * 3


def test_it_falls_back_to_a_webhook_with_a_key_that_no_process_list_shows(run: Run) -> None:
    code, asked = run("--wait-minutes", "0", deploy=[NOT_FOUND])

    assert code == 0
    first, last = deployments(asked)
    assert (first["destination"], last["destination"]) == ("function", "webhook")
    assert last["webhookUrl"].startswith(
        "https://func-dr.example/runtime/webhooks/eventgrid?functionName=Host.Functions."
    )
    assert last["webhookUrl"].endswith("on_vm_event&code=s3cret")
    assert last["mode"] == 0o600
    assert not any("s3cret" in " ".join(arguments) for _, arguments, _ in asked)


def test_another_error_is_reported_at_once(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    code, asked = run(deploy=["Only one system topic is allowed per source"])

    assert code == 1
    assert len(deployments(asked)) == 1
    reported = capsys.readouterr().err
    assert "Only one system topic is allowed per source" in reported
    assert "run this again" in reported


def test_a_function_that_does_not_come_is_reported_after_the_deadline(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    code, asked = run("--wait-minutes", "0", look=["ERROR: not found"] * 3)

    assert code == 1
    assert not deployments(asked)
    assert "has the code been deployed?" in capsys.readouterr().err


def test_what_is_missing_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DR_APP_ID")

    with pytest.raises(SystemExit):
        run()

    assert "--app-id" in capsys.readouterr().err
