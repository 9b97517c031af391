"""The HTTP doors fuzzed against the document that they publish: whatever is sent, the answer is a documented one, and
what asks for nothing that may be had writes nothing."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.stack import Stack
from shared.config.override_options import CHOICES
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import written
from tests.unit.app.triggers.test_body import GOOD
from tests.waiting import eventually
from triggers.routes import HOLD, PLAN, PROTECTION

pytestmark = pytest.mark.wide

EXAMPLES = 15
ELSEWHERE = "22222222-2222-4222-8222-222222222222"
VM = {"subscription": estates.SUBSCRIPTION, "group": "app", "name": "web-1"}
OFF, MISSING, NOT_OURS = {**VM, "name": "off"}, {**VM, "name": "missing"}, {**VM, "subscription": ELSEWHERE}
HELD = {**VM, "name": "held"}

# Where it is asked. A VM that may be protected is only looked at, so that nothing sent at random may lead to a write.
PLACES = {"get": [VM, MISSING, NOT_OURS], "post": [VM, OFF], "put": [OFF, MISSING], "delete": [HELD, MISSING]}

# The profile allows everything: what is left are the target scope, and that what is named is there and fits.
ALLOWED = {"DR_PROFILES": json.dumps({"default": {"allow": {choice: ["*"] for choice in CHOICES}}, "gold": {}})}
HOSTILE = (
    (
        "cache-storage",
        f"/subscriptions/{ELSEWHERE}/resourceGroups/x/providers/Microsoft.Storage/storageAccounts/stolen",
    ),
    ("target-resource-group", f"/subscriptions/{ELSEWHERE}/resourceGroups/app-asr"),
    ("target-vnet", f"{estates.GROUP}/providers/Microsoft.Network/virtualNetworks/../../secrets"),
    ("target-storage", f"{estates.VAULT}/../../storageAccounts/x"),
    ("target-subnet", "web/../../x"),
    ("target-name", "web-1\r\nx-injected: 1"),
    ("target-size", "Standard_D2s_v5?api-version=1"),
    ("target-location", estates.SOURCE),
    ("target-ip", "10.1.1.4/0"),
    ("profile", "fifteen-days"),
    ("hold", "false"),
    ("", "true"),
)
BODIES = st.dictionaries(st.sampled_from(sorted(GOOD)), st.none(), max_size=4).map(
    lambda names: {f"dr-{name}": GOOD[name] for name in names}
)


def hostile(body: dict[str, str], given: tuple[str, str]) -> dict[str, str]:
    name, value = given
    return {**body, f"dr-{name}".rstrip("-"): value}


def repeat(cases: st.SearchStrategy[Any], ask: Callable[[Any], None]) -> None:
    """The same cases every time: what CI finds can be found again."""
    bounded = settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    bounded(given(cases)(ask))()


def fuzz(document: Any, stack: Stack) -> None:
    """What the document allows, what it does not, and bodies that are well-formed and ask for what they should not."""
    # Only here: every other test of the folder would wait a second for them.
    from schemathesis import GenerationMode, openapi
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    every = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    schema: Any = openapi.from_dict(document)
    headers = {"x-functions-key": stack.keys["function"]["default"]}

    def status_of(case: Any) -> int:
        answer = case.call_and_validate(base_url=f"{stack.host_url}/api", headers=headers, checks=every)
        return int(answer.status_code)

    def is_answered(case: Any) -> None:
        status_of(case)

    def is_planned(body: dict[str, str]) -> None:
        operation = schema[f"/{PLAN}"]["POST"]
        assert status_of(operation.Case(path_parameters=VM, body=body, media_type="application/json")) == 200

    def is_refused(body: dict[str, str]) -> None:
        operation = schema[f"/{PROTECTION}"]["PUT"]
        assert status_of(operation.Case(path_parameters=VM, body=body, media_type="application/json")) == 422

    for operation in (found.ok() for found in schema.get_all_operations()):
        of_a_vm = operation.path.startswith(f"/{PROTECTION}")
        # A hold may be asked for, and ended, of any VM that is there.
        named = PLACES[operation.method] if of_a_vm else [MISSING, NOT_OURS] if operation.path == f"/{HOLD}" else []
        places = [*named, None]
        modes = [(mode, place) for mode in GenerationMode for place in places]
        cases = [operation.as_strategy(generation_mode=mode, path_parameters=place) for mode, place in modes]
        repeat(st.one_of(cases), is_answered)
    repeat(BODIES, is_planned)
    repeat(st.builds(hostile, BODIES, st.sampled_from(HOSTILE)), is_refused)


async def test_whatever_is_sent_the_answer_is_a_documented_one_and_nothing_is_written(start_stack: StartStack) -> None:
    vms = [
        estates.vm("web-1", tagged=False),
        estates.vm("off", tagged=False, power="deallocated"),
        {**estates.vm("held"), "tags": {"dr-hold": "true"}},
    ]
    async with start_stack(estates.estate(vms), settings=ALLOWED) as stack:
        status, document = await stack.api("GET", "openapi.json")
        # The key is always the right one: without it nothing is asked of the app at all.
        del document["security"], document["components"]["securitySchemes"]
        await asyncio.to_thread(fuzz, document, stack)

        assert status == 200
        assert not await written(stack)

        async def settled() -> bool:
            instances = await stack.instances()
            # A VM in the source scope that is not there may be asked for in a batch, and nowhere else.
            assert {each["name"] for each in instances} <= {"protect_batch", "reconcile_estate"}
            return all(each["runtimeStatus"] == "Completed" for each in instances)

        await eventually(settled)
        outcomes = {end["outcome"] for each in await stack.instances() for end in each["output"].get("ended", ())}
        assert outcomes <= {"Gone"}
        assert not await written(stack)
