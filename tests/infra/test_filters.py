"""No event that the app would take for a VM's is stopped by the filters; official examples pass as they should."""

import json
import re
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.resource_id import ResourceId
from shared.model.scope import Scope
from tests.infra.compiler import Json
from tests.infra.deployments import Infra
from tests.infra.filters import filters, notification, operation_event, passes
from triggers import events
from triggers.events import NotAboutAVmError, vm_of

OFFICIAL = Path(__file__).parents[3] / "shared" / "recordings" / "fixtures" / "eventgrid"
SOURCE = Scope([ResourceId("/subscriptions/11111111-1111-4111-8111-111111111111")])
ID = f"{SOURCE}/resourceGroups/web/providers/"

types = st.sampled_from(
    [
        "Microsoft.Compute/virtualMachines",
        "microsoft.compute/virtualmachines",
        "Microsoft.Compute/disks",
        "Microsoft.Web/sites",
    ]
)
children = st.sampled_from(["", "/extensions/agent", "/providers/Microsoft.Resources/tags/default", "/runCommands/x"])
subjects = st.builds("{}{}/web-1{}".format, st.just(ID), types, children)
operations = st.one_of(
    st.sampled_from(sorted(events._OPERATIONS)),
    st.sampled_from(["Microsoft.Compute/virtualMachines/deallocate/action", "Microsoft.Compute/disks/write"]),
)
event_types = st.sampled_from(
    [f"Resource{verb}{end}" for verb in ("Write", "Delete", "Action") for end in ("Success", "Failure", "Cancel")]
)


@pytest.fixture(scope="session")
def wanted(infra: Infra) -> dict[str, Json]:
    return filters(infra)


def names_a_vm(event: dict[str, Any]) -> bool:
    try:
        vm_of(
            func.EventGridEvent(
                id="1", data=event["data"], topic="/", subject=event["subject"], event_type=event["eventType"],
                event_time=None, data_version="2",
            ),
            SOURCE,
        )  # fmt: skip
    except NotAboutAVmError:
        return False
    return True


@given(event_type=event_types, operation=operations, subject=subjects)
def test_no_operation_on_a_vm_is_stopped(
    wanted: dict[str, Json], event_type: str, operation: str, subject: str
) -> None:
    event = operation_event(event_type, operation, subject)
    classic = "classiccompute" in operation.lower()
    if names_a_vm(event) and not classic:
        assert passes(wanted["operations"], event)


@given(event_type=st.sampled_from(["CreatedOrUpdated", "Deleted", "AvailabilityStatusChanged"]), resource_type=types)
def test_of_notifications_exactly_those_of_vms_pass(
    wanted: dict[str, Json], event_type: str, resource_type: str
) -> None:
    event = notification(event_type, resource_type)

    assert passes(wanted["notifications"], event) == names_a_vm(event)


@pytest.mark.skipif(not OFFICIAL.exists(), reason="the official examples are not here")
def test_official_examples_of_other_resources_are_stopped_and_of_vms_pass(wanted: dict[str, Json]) -> None:
    seen = 0
    for source, folder in (("operations", "subscription"), ("notifications", "resource-notifications")):
        for file in sorted((OFFICIAL / folder / "event-grid-schema").glob("*.json")):
            text = file.read_text()
            assert not passes(wanted[source], json.loads(text)), file.name
            filled = re.sub(r"\{[a-zA-Z-]+\}", "11111111-1111-4111-8111-111111111111", text)
            about_a_vm = json.loads(
                filled.replace("Microsoft.Storage/storageAccounts", "Microsoft.Compute/virtualMachines")
            )
            is_wanted = names_a_vm(about_a_vm)
            assert passes(wanted[source], about_a_vm) == is_wanted, file.name
            seen += is_wanted
    assert seen >= 4
