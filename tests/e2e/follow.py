"""Following runs to their end, and counting what they asked of Azure."""

from collections import Counter
from typing import Any

from local.stack import Stack
from tests.waiting import eventually

_QUESTIONS = ("/microsoft.resourcegraph/resources", "/microsoft.storage/checknameavailability")
_ENDED = {"Completed", "Failed", "Terminated"}


def write_event(vm: str, operation: str = "Microsoft.Compute/virtualMachines/write", **more: Any) -> dict[str, Any]:
    """What the subscription's system topic says when somebody wrote a VM."""
    kind = "Delete" if operation.endswith("delete") else "Action" if operation.endswith("action") else "Write"
    return {
        "id": f"event-of-{vm[-40:]}",
        "topic": vm.split("/resourceGroups")[0],
        "subject": vm,
        "eventType": f"Microsoft.Resources.Resource{kind}Success",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "2",
        "metadataVersion": "1",
        "data": {"operationName": operation, "resourceUri": vm, "claims": {"name": "Somebody Personal"}},
        **more,
    }


def route_of(vm: str) -> str:
    """Where the app answers for a VM."""
    return vm.replace("/providers/Microsoft.Compute", "").lstrip("/") + "/protection"


async def results(stack: Stack, vms: int, *, within: float = 90) -> dict[str, dict[str, Any]]:
    """The results by VM name, once the runs of that many VMs have ended."""

    instances: list[dict[str, Any]] = []

    async def have_ended() -> bool:
        instances[:] = await stack.instances()
        return len(instances) == vms and all(instance["runtimeStatus"] in _ENDED for instance in instances)

    await eventually(have_ended, within=within)
    return {_name(instance): _output(instance) for instance in instances}


def _name(instance: dict[str, Any]) -> str:
    return str(instance["instanceId"]).removeprefix("protect-").rsplit("-", 1)[0]


def _output(instance: dict[str, Any]) -> dict[str, Any]:
    assert instance["runtimeStatus"] == "Completed", instance
    output: dict[str, Any] = instance["output"]
    return output


async def written(stack: Stack) -> Counter[str]:
    """The app's own writes by path, as the simulator served them, each with how often."""
    requests = await stack.app_requests()
    return Counter(request["path"].lower() for request in requests if is_write(request) and 0 < request["status"] < 400)


def is_write(request: dict[str, Any]) -> bool:
    """A POST of a query or of a question is none."""
    return request["method"] not in {"GET", "HEAD"} and not request["path"].lower().endswith(_QUESTIONS)


def enables(writes: Counter[str]) -> list[int]:
    """How often each item was asked for."""
    return [count for path, count in writes.items() if "/replicationprotecteditems/" in path and "remove" not in path]
