"""docs/outcomes.md beside its tables: what it says of the events' data is what the app publishes."""

import json
import re
from pathlib import Path

import pytest

from shared.model.base import Model
from shared.reporting import events
from shared.reporting.events import PUBLISHED_WHEN, EventType, OutcomeEvent, SweepOutcome, VmOutcome
from shared.reporting.messages import MOST_VMS, Digest, Message, MessageVm, OldestCause
from tests.unit.app.reporting.test_events import end, event_of

DOCS = Path(__file__).parents[4] / "docs"
PAGE, MESSAGES = ((DOCS / name).read_text() for name in ("outcomes.md", "messages.md"))

OF_RUNS = {EventType.PROTECTED, EventType.FAILED, EventType.NOT_ELIGIBLE, EventType.DISABLED}
MESSAGE_TYPES = set(EventType) - OF_RUNS - {EventType.UNHEALTHY, EventType.SWEEP_COMPLETED}


@pytest.mark.parametrize(
    ("reported", "page"),
    [
        *((each, PAGE) for each in (VmOutcome, SweepOutcome)),
        *((each, MESSAGES) for each in (Message, MessageVm, Digest, OldestCause)),
    ],
)
def test_every_field_of_the_data_is_reported(reported: type[Model], page: str) -> None:
    names = [field.alias or name for name, field in reported.model_fields.items()]

    assert [name for name in names if f"`{name}`" not in page and f'"{name}"' not in page] == []


def test_what_messages_are_limited_to_is_reported() -> None:
    assert f"names up to {MOST_VMS} of them" in " ".join(MESSAGES.split())
    assert {kind for kind in PUBLISHED_WHEN if f"`{kind}`" not in MESSAGES} == set(EventType) - MESSAGE_TYPES


def test_the_example_is_an_event_as_the_app_makes_it() -> None:
    (example,) = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    event = OutcomeEvent.load(example)

    assert set(VmOutcome.load(event.data).dump()) == set(event.data) - {"error"}
    assert set(example) - {"specversion", "datacontenttype"} == set(event_of(end()).dump())


def test_the_limits_are_reported() -> None:
    assert events._MOST == 5
    assert "the five weightiest" in PAGE
    assert f"at most {events._LONGEST} characters" in PAGE
