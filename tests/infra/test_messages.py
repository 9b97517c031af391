"""The recipes of messages.bicep: what each sends is rendered from the deployed workflow, of messages as the app makes
them, and held to what its receiver publishes, where a package carries that."""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.model.resource_id import ResourceId, vm_id
from shared.planning.catalog import finding_of
from shared.reconcile.sweep import SweepReport
from shared.reporting.events import OutcomeEvent
from shared.reporting.message_state import MessageState
from shared.reporting.messages import About, digest_of, of_drills, of_transitions
from shared.reporting.transitions import Cause, Kind, Transition
from tests.infra.compiler import Json
from tests.infra.deployments import CASES, MESSAGES, VAULT, Infra
from tests.infra.workflow import rendered
from tests.unit.app.reporting.test_event_docs import MESSAGE_TYPES

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
VMS = [vm_id("11111111-1111-4111-8111-111111111111", "web", f"web-{number}") for number in range(30)]
ABOUT = About(ResourceId(VAULT), NOW, "", "https://func-dr.azurewebsites.net/api/ui/")
CARDS = Path(__file__).parent / "cards"


def transitions(kind: Kind, count: int) -> Iterator[Transition]:
    finding = None if kind is Kind.RESOLVED else finding_of("RpoBreached", f'Its {{age}} is "{"late" * 90}" \\ @{{x}}.')
    return (Transition(kind, Cause("RpoBreached", vm), int(NOW.timestamp()), finding) for vm in VMS[:count])


DRILL = {"vmId": str(VMS[0]), "result": "passed", "endedAt": NOW.isoformat(), "rtoSeconds": 300}
EVENTS: list[OutcomeEvent] = [
    *(event for kind in (*Kind,) if kind is not Kind.DRILLED for event in of_transitions(ABOUT, transitions(kind, 1))),
    *of_transitions(ABOUT, transitions(Kind.UNHEALTHY, 30)),
    *of_drills(ABOUT, [DRILL]),
    digest_of(ABOUT, SweepReport(read_at=NOW), 0, MessageState(digest=NOW.date())),
]


def test_every_type_of_message_is_here() -> None:
    assert {event.type for event in EVENTS} == MESSAGE_TYPES


def of_type(infra: Infra, kind: str) -> list[Json]:
    return [each for each in infra.evaluated(MESSAGES).resources if each["type"] == kind]


def payload(infra: Infra, event: OutcomeEvent, action: str) -> Any:
    """What the workflow sends for a message, as the queue hands it on."""
    (workflow,) = of_type(infra, "Microsoft.Logic/workflows")
    actions = workflow["properties"]["definition"]["actions"]
    cloud_event = {"specversion": "1.0", **event.dump()}
    message = {"ContentData": base64.b64encode(json.dumps(cloud_event).encode()).decode()}
    outputs: dict[str, Any] = {}
    names: dict[str, Callable[..., Any]] = {
        "triggerBody": lambda: message,
        "outputs": outputs.__getitem__,
        "body": outputs.__getitem__,
        "parameters": lambda name: f"the address of {name}",
    }
    outputs["Event"] = rendered(actions["Event"]["inputs"], names)
    select = actions["Names"]["inputs"]
    rows = rendered(select["from"], names)
    outputs["Names"] = [rendered(select["select"], {**names, "item": lambda row=row: row}) for row in rows]
    sent = rendered(actions[action]["inputs"], names)
    assert (sent["method"], sent["uri"]) == ("POST", f"the address of {action.lower()}")
    return sent["body"]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.type} {event.data.get('count', '')}")
def test_teams_is_sent_a_card_and_slack_blocks(infra: Infra, event: OutcomeEvent) -> None:
    card = payload(infra, event, "Teams")
    (attachment,) = card["attachments"]
    shown_blocks = [block for block in attachment["content"]["body"] if block.get("isVisible", True)]
    # A TextBlock would read its text as Markdown: a tag's value may hold a link.
    assert {block["type"] for block in shown_blocks} == {"RichTextBlock"}
    texts = [run["text"] for block in shown_blocks for run in block["inlines"]]
    names = [vm["vmId"].rpartition("/")[2] for vm in event.data.get("vms", [])[:10]]
    expected = [event.data["title"], event.data["text"]]
    expected += [f"What to do: {event.data['fix']}"] if event.data.get("fix") else []
    assert texts == expected + ([f"VMs: {', '.join(names)}"] if names else [])
    assert attachment["content"]["actions"][0]["url"] == event.data["link"]
    assert len(json.dumps(card)) < 28 * 1024  # what Teams accepts

    blocks = payload(infra, event, "Slack")
    shown = json.dumps(blocks, ensure_ascii=False)
    assert all(json.dumps(text, ensure_ascii=False)[1:-1] in shown for text in expected)
    assert blocks["blocks"][-1]["elements"][0]["url"] == event.data["link"]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.type} {event.data.get('count', '')}")
def test_slack_s_own_library_takes_the_blocks(infra: Infra, event: OutcomeEvent) -> None:
    models = pytest.importorskip("slack_sdk.models.blocks", reason="slack-sdk is not installed")
    sent = payload(infra, event, "Slack")

    for block in sent["blocks"]:
        parsed = models.Block.parse(block)
        parsed.validate_json()
        assert parsed.to_dict() == block


def test_microsoft_s_own_library_takes_the_cards(infra: Infra) -> None:
    if shutil.which("node") is None or not (CARDS / "node_modules").is_dir():
        pytest.skip("the parser of Adaptive Cards is not installed: `make kusto`")
    cards = [payload(infra, event, "Teams")["attachments"][0]["content"] for event in EVENTS]
    wrong = {
        **cards[0],
        "body": [{"type": "TextBlok", "text": "x"}, {"type": "TextBlock", "size": "Huge", "text": "x"}],
    }
    answer = subprocess.run(  # noqa: S603
        ["node", str(CARDS / "validate.cjs")],  # noqa: S607
        input=json.dumps([*cards, wrong]),
        capture_output=True,
        text=True,
        check=True,
    )
    *found, problems = json.loads(answer.stdout)
    assert found == [[]] * len(cards)
    assert len(problems) == 2


def test_a_receiver_that_is_down_for_hours_gets_the_message(infra: Infra) -> None:
    """It is out of the queue when it is posted, and the default is four attempts within a minute."""
    (workflow,) = of_type(infra, "Microsoft.Logic/workflows")
    for name in ("Teams", "Slack"):
        policy = workflow["properties"]["definition"]["actions"][name]["inputs"]["retryPolicy"]
        assert (policy["type"], policy["count"], policy["maximumInterval"]) == ("exponential", 20, "PT30M")


def test_an_address_is_a_secret_from_end_to_end(infra: Infra) -> None:
    template = infra.template("messages.bicep")
    addresses = [name for name in template["parameters"] if name.endswith("Url")]
    assert len(addresses) == 4
    assert {template["parameters"][name]["type"] for name in addresses} == {"securestring"}
    assert "outputs" not in template
    (workflow,) = of_type(infra, "Microsoft.Logic/workflows")
    definition = workflow["properties"]["definition"]
    assert {definition["parameters"][name]["type"] for name in ("teams", "slack")} == {"SecureString"}
    requests = [action for action in definition["actions"].values() if action["type"] == "Http"]
    assert [action["runtimeConfiguration"]["secureData"]["properties"] for action in requests] == [["inputs"]] * 2
    assert "secret" not in json.dumps(definition)


def test_only_messages_are_delivered_in_the_one_schema(infra: Infra) -> None:
    subscriptions = of_type(infra, "Microsoft.EventGrid/topics/eventSubscriptions")
    assert len(subscriptions) == 2
    for each in subscriptions:
        assert {*each["properties"]["filter"]["includedEventTypes"]} == {str(kind) for kind in MESSAGE_TYPES}
        assert each["properties"]["eventDeliverySchema"] == "CloudEventSchemaV1_0"


def test_service_now_is_called_with_tokens_for_every_alert_of_the_group(infra: Infra) -> None:
    (group,), (rule,) = (
        of_type(infra, f"Microsoft.{kind}") for kind in ("Insights/actionGroups", "AlertsManagement/actionRules")
    )
    (receiver,) = group["properties"]["webhookReceivers"]
    assert (receiver["useAadAuth"], receiver["useCommonAlertSchema"]) == (True, True)
    assert receiver["objectId"] == CASES[MESSAGES].parameters["serviceNowObjectId"]
    assert rule["properties"]["actions"] == [{"actionType": "AddActionGroups", "actionGroupIds": [group["id"]]}]
    assert rule["properties"]["scopes"] == [group["id"].partition("/providers/")[0]]


def test_what_has_no_address_is_not_deployed(infra: Infra) -> None:
    types = [each["type"] for each in infra.evaluated("messages, by a webhook alone").resources]
    assert types == ["Microsoft.EventGrid/topics/eventSubscriptions"]
