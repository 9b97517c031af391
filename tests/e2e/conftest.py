"""What every end-to-end test needs: a stack in a folder of its own, and what its VMs came to when a test fails."""

import sys
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest

from local.conformance.known import explain_finding
from local.conformance.sdk_models import validate_request_log
from local.stack import Stack, StackError
from shared.arm.origin_store import Directory
from shared.arm.origins import Origins
from shared.model.origin import Origin
from shared.site_recovery.parsing import item_of
from tests import fork_server, waiting

# An hour of Azure in six seconds: what is left of a run is mostly the app's own time.
SPEED = 600


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--durable") == "external":
        waiting.patience = waiting.EXTERNAL_PATIENCE
        reasons = {"embedded_history": "opens the database of the embedded engine"}
    else:
        reasons = {"external_only": "the embedded engine's task hub belongs to one host: --durable=external"}
    limit = pytest.mark.timeout(float(config.getini("timeout")) * waiting.patience)
    for item in items:
        item.add_marker(limit)
        for name, reason in reasons.items():
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=reason))


class StartStack(Protocol):
    def __call__(self, estate: dict[str, Any], **options: Any) -> AbstractAsyncContextManager[Stack]: ...


@pytest.fixture
def start_stack(tmp_path: Path) -> StartStack:
    """Starts simulator and host. At the end, all that the app asked and was answered is held to the SDKs' models, and
    the rights that infra/ gives the app were enough for it."""

    @asynccontextmanager
    async def start(estate: dict[str, Any], **options: Any) -> AsyncIterator[Stack]:
        async with Stack(
            tmp_path / "stack", estate, **{"speed": SPEED, "spawn": fork_server.spawn, **options}
        ) as stack:
            await prove_items(stack)
            try:
                yield stack
            finally:
                await _print_vms(stack)
            answered = [request for request in await stack.app_requests() if request["status"]]
            demands = (await stack.sim("GET", "access"))["demands"]
        assert [
            f"{exchange.method} {exchange.path}: {finding}"
            for exchange, finding in validate_request_log(answered)
            if finding.kind == "error" and not explain_finding(finding)
        ] == []
        assert [referenced for referenced in demands if not referenced["granted"]] == []

    return start


async def prove_items(stack: Stack) -> None:
    """Writes the records of the items that the estate has under this deployment's names."""
    origins = Origins(Directory(stack.folder / "origins"))
    vaults = (await stack.sim("GET", "state"))["siteRecovery"]
    for item in (item_of(each, "local") for vault in vaults for each in vault["protectedItems"]):
        if item and item.is_ours:
            intent = Origin(resource=item.id, intended_at=datetime.now(UTC), vm=item.source, tag_name="dr")
            await origins.prove(intent, item.incarnation)


async def _print_vms(stack: Stack) -> None:
    """What pytest shows when the test fails, which may be after the stack has ended: the error and the findings of
    each run."""
    try:
        instances = await stack.instances()
    except (StackError, aiohttp.ClientError, OSError):
        lines = [f"The host does not answer: {traceback.format_exc(limit=0)}", stack.log_of("host")[-3000:]]
    else:
        lines = [line for instance in instances for line in _lines_of(instance)]
    sys.stdout.write("\n".join([*lines, ""]))


def _lines_of(instance: dict[str, Any]) -> Iterator[str]:
    output, status = instance["output"], instance["customStatus"] or {}
    ended = output if isinstance(output, dict) else {"error": output}
    yield f"{instance['instanceId']} {instance['runtimeStatus']} {ended.get('outcome') or status.get('step', '')}"
    yield from (f"    error: {error}" for error in (ended.get("error"), status.get("lastError")) if error)
    yield from (f"    {each['severity']} {each['code']}: {each['message']}" for each in ended.get("findings", []))
