"""docs/outcomes.md beside its tables: what it says of the events' data is what the app publishes."""

import json
import re
from pathlib import Path

import pytest

from shared.model.base import Model
from shared.reporting import events
from shared.reporting.events import OutcomeEvent, SweepOutcome, VmOutcome
from tests.unit.app.reporting.test_events import end, event_of

PAGE = (Path(__file__).parents[4] / "docs" / "outcomes.md").read_text()


@pytest.mark.parametrize("reported", [VmOutcome, SweepOutcome])
def test_every_field_of_the_data_is_reported(reported: type[Model]) -> None:
    names = [field.alias or name for name, field in reported.model_fields.items()]

    assert [name for name in names if f"`{name}`" not in PAGE and f'"{name}"' not in PAGE] == []


def test_the_example_is_an_event_as_the_app_makes_it() -> None:
    (example,) = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    event = OutcomeEvent.load(example)

    assert set(VmOutcome.load(event.data).dump()) == set(event.data) - {"error"}
    assert set(example) - {"specversion", "datacontenttype"} == set(event_of(end()).dump())


def test_the_limits_are_reported() -> None:
    assert events._MOST == 5
    assert "the five weightiest" in PAGE
    assert f"at most {events._LONGEST} characters" in PAGE
