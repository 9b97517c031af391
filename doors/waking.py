"""What PUT and DELETE end with: the VM's run is woken, and the answer says where to look."""

from http import HTTPStatus

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from doors.problems import Problem
from doors.routes import TARGETS_ONLY
from doors.views import Accepted
from shared.domain.run import Run
from shared.instances import WakeError, instance_of, wake


async def wake_and_answer(
    client: DurableOrchestrationClient, request: func.HttpRequest, run: Run, done: str
) -> func.HttpResponse:
    """`done` is what has come of the tag. Raises Problem: then that is all that was done."""
    try:
        await wake(client, run)
    except WakeError as error:
        detail = f"{done}, and the VM's run was not started: {error}. Ask again, or wait for its next event."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "NotWoken", detail, retry_after=10) from None
    where = request.url.split("?", 1)[0] + (f"?{TARGETS_ONLY}=true" if run.targets_only else "")
    accepted = Accepted(vm_id=run.vm_id, instance_id=instance_of(run.vm_id, targets_only=run.targets_only))
    return accepted.response(HTTPStatus.ACCEPTED, {"Location": where, "Retry-After": "10"})
