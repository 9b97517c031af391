"""Jobs, operation statuses, and whether a VM is eligible."""

import uuid
from functools import partial

from local.simulator import errors as arm_errors
from local.simulator import ids, latencies
from local.simulator.arm.compute import TYPE as VM_TYPE
from local.simulator.arm.vaults import TYPE as VAULT_TYPE
from local.simulator.errors import ArmError
from local.simulator.operations import SIGNATURE
from local.simulator.recovery import job_view, jobs, lists, scope, views
from local.simulator.routing import Routes
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")


@routes.route("GET", scope.VAULT + "/replicationJobs")
def list_jobs(world: World, call: Call) -> Answer:
    found = job_view.matching(world, scope.vault(world, call), call.query.get("$filter", ""))
    return lists.listed(world, call, found, lambda job: job_view.view(world, job, full=False))


@routes.route("GET", scope.VAULT + "/replicationJobs/{job}")
def get_job(world: World, call: Call) -> Answer:
    """The first read of a job may be a placeholder (recorded). The ID of the request is that of the job."""
    job = jobs.find(scope.vault(world, call), call["job"])
    running = job.running
    show = job_view.placeholder if job.placeholder and running else partial(job_view.view, full=True)
    job.placeholder = False
    body = show(world, job)
    answer = views.answer(body)
    answer.headers["x-ms-request-id"] = body["id"]
    return answer


@routes.route("GET", scope.VAULT + "/replicationOperationStatus/{job}")
def operation_status(world: World, call: Call) -> Answer:
    job = jobs.find(scope.vault(world, call), call["job"])
    running = job.running or job.held
    headers = world.clock.retry_headers(latencies.RETRY_AFTER) if running else {}
    return Answer(200, job_view.status_body(world, job), headers, content_type=views.JSON)


@routes.route("GET", "{scope}/operationresults/{job}")
def operation_result(world: World, call: Call) -> Answer:
    """202 while it runs, then the resource, or 204 if it was deleted. The error of a failed one is invented."""
    parts = call.path.strip("/").split("/")
    vault = scope.of_vault(world, "/" + "/".join(parts[:8]))
    if vault is None:
        raise arm_errors.resource_not_found(VAULT_TYPE, parts[7] if len(parts) > 7 else "", "")
    job = jobs.find(vault, call["job"])
    if job.running or job.held:
        location = f"{call.base_url}{call.path}?api-version={call.api_version}{SIGNATURE}"
        return Answer(202, None, {"Location": location, **world.clock.retry_headers(latencies.RETRY_AFTER)})
    if job.failure:
        code, message = job.failure.summary or (job.failure.code, job.failure.message)
        raise ArmError(400, code, message)
    body = job.result()
    return Answer(204) if body is None else views.answer(body)


_ELIGIBILITY = "{scope}/providers/Microsoft.RecoveryServices/replicationEligibilityResults"


@routes.route("GET", _ELIGIBILITY + "/default")
def eligibility(world: World, call: Call) -> Answer:
    return views.answer(_eligibility(world, call))


@routes.route("GET", _ELIGIBILITY)
def list_eligibility(world: World, call: Call) -> Answer:
    return Answer(200, {"value": [_eligibility(world, call)]}, content_type=views.JSON)


def _eligibility(world: World, call: Call) -> Json:
    vm = world.store.vm(call["scope"])
    if vm is None:
        parsed = ids.parse(call["scope"])
        raise arm_errors.resource_not_found(VM_TYPE, parsed.name if parsed else "", parsed.group if parsed else "")
    return {
        "name": "default",
        "type": "Microsoft.RecoveryServices/replicationEligibilityResults",
        "id": f"{vm.id}/providers/Microsoft.RecoveryServices/replicationEligibilityResults/default",
        "properties": {"clientRequestId": str(uuid.uuid4()), "errors": vm.eligibility_errors},
    }
