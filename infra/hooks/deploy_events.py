"""Deploys events.bicep, once the function is there: Event Grid asks it before it sends to it.

azd runs it after each deployment of the code, with its environment; by hand, for one more subscription of VMs:

    azd env get-values > .env && set -a && . ./.env && set +a
    python3 infra/hooks/deploy_events.py --subscription <id> --resource-group rg-<environment>-events

Needs the az CLI, signed in. Reaches the function as a function; where Event Grid cannot, as a webhook with a key.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

INFRA = Path(__file__).parents[1]
FUNCTION = "on_vm_event"
PAUSE_SECONDS = 20.0
_WEB_API_VERSION = "2024-11-01"
_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"


class AzError(Exception):
    """az has failed; the text is what it said."""


def az(*arguments: str) -> Any:
    """What az answers, read as JSON. Raises AzError."""
    command = [shutil.which("az") or "az", *arguments, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise AzError(done.stderr.strip())
    return json.loads(done.stdout or "null")


def wait_for_function(app_id: str, deadline: float) -> None:
    """Raises TimeoutError if the function has not shown itself by then (a monotonic time)."""
    url = f"{app_id}/functions/{FUNCTION}?api-version={_WEB_API_VERSION}"
    while True:
        try:
            az("rest", "--method", "get", "--url", url)
        except AzError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{FUNCTION} is not there: has the code been deployed? {error}") from None
            time.sleep(PAUSE_SECONDS)
        else:
            return


def deploy(args: argparse.Namespace, parameters: dict[str, Any]) -> None:
    """Raises AzError."""
    given = {name: {"value": value} for name, value in parameters.items()}
    # They hold a key, which must not show in the list of processes: use a file that only this user can read.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "parameters.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"$schema": _SCHEMA, "contentVersion": "1.0.0.0", "parameters": given}))
        where = ("--subscription", args.subscription, "--resource-group", args.resource_group)
        template = ("--template-file", str(INFRA / "events.bicep"), "--parameters", f"@{file}")
        az("deployment", "group", "create", "--name", "dr-events", *where, *template)


def webhook(app_id: str, app_url: str) -> str:
    """The address of the function for Event Grid, with the key of its extension. Raises AzError."""
    url = f"{app_id}/host/default/listKeys?api-version={_WEB_API_VERSION}"
    key = az("rest", "--method", "post", "--url", url)["systemKeys"]["eventgrid_extension"]
    return f"{app_url}/runtime/webhooks/eventgrid?functionName=Host.Functions.{FUNCTION}&code={key}"


def deploy_when_ready(args: argparse.Namespace) -> str:
    """How the function is reached in the end. Raises TimeoutError, AzError."""
    deadline = time.monotonic() + args.wait_minutes * 60
    wait_for_function(args.app_id, deadline)
    parameters: dict[str, Any] = {
        "appId": args.app_id,
        "source": args.source,
        "existingTopicName": args.existing_topic,
        "actionGroupId": args.action_group,
        "deadLetter": args.dead_letter,
    }
    while args.destination != "webhook":
        try:
            deploy(args, {**parameters, "destination": "function"})
        except AzError as error:
            # What the app's host shows already, Event Grid may see minutes later. Any other error stays.
            if "endpoint" not in str(error).lower():
                raise
            print(f"Not as a function yet: {error}", file=sys.stderr)
            if time.monotonic() > deadline:
                break
            time.sleep(PAUSE_SECONDS)
        else:
            return "function"
    deploy(args, {**parameters, "destination": "webhook", "webhookUrl": webhook(args.app_id, args.app_url)})
    return "webhook"


def read(arguments: list[str]) -> argparse.Namespace:
    """The arguments; defaults come from azd's environment."""
    environment = os.environ.get
    parser = argparse.ArgumentParser(description="Deploys what Event Grid sends to the function.")
    for name, variable, about in (
        ("--subscription", "DR_SOURCE_SUBSCRIPTION", "the subscription of the VMs"),
        ("--resource-group", "DR_EVENTS_GROUP", "the resource group for events in it, or that of an existing topic"),
        ("--app-id", "DR_APP_ID", "the function app's resource ID"),
        ("--app-url", "DR_APP_URL", "its address"),
        ("--action-group", "DR_ACTION_GROUP_ID", "who is notified of undelivered events"),
    ):
        value = environment(variable)
        parser.add_argument(name, default=value, required=not value, help=f"{about} ({variable})")
    parser.add_argument("--existing-topic", default=environment("DR_EXISTING_TOPIC", ""))
    parser.add_argument(
        "--source", choices=("operations", "notifications"), default=environment("DR_EVENT_SOURCE", "operations")
    )
    parser.add_argument(
        "--destination", choices=("function", "webhook"), default=environment("DR_EVENT_DESTINATION", "function")
    )
    parser.add_argument("--dead-letter", action="store_true", default=environment("DR_DEAD_LETTER") == "true")
    parser.add_argument("--wait-minutes", type=float, default=15)
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    args = read(arguments)
    try:
        reached = deploy_when_ready(args)
    except (AzError, TimeoutError) as error:
        print(
            f"Events of {args.subscription} do not reach the app: {error}\nThe sweep does its work without them; "
            "run this again when that is fixed.",
            file=sys.stderr,
        )
        return 1
    print(f"Events of {args.subscription} reach the app as a {reached}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
