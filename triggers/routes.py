"""The routes of the HTTP triggers, below `/api`: one row for each, and the names of their query parameters."""

from typing import NamedTuple

from triggers.roles import Role

_VM = "subscriptions/{subscription}/resourceGroups/{group}/virtualMachines/{name}"
PROTECTION, HOLD, TIMELINE = f"{_VM}/protection", f"{_VM}/hold", f"{_VM}/timeline"
ACKNOWLEDGE = f"{_VM}/acknowledge"
PLAN = f"{PROTECTION}/plan"
STATUS = "status"
DRILL = f"{PROTECTION.removesuffix('protection')}drill"

TARGETS_ONLY, CONFIRM = "targetsOnly", "confirm"


class Route(NamedTuple):
    """The handler is the function `name` of `module`, which is imported at the first request.

    It is called with the clients of Azure, the client of Durable Functions if it needs that, and the request.
    """

    name: str
    method: str
    path: str
    role: Role
    module: str
    needs_client: bool = False


ROUTES = (
    Route("get_protection", "GET", PROTECTION, Role.READ, "triggers.protection", needs_client=True),
    Route("put_protection", "PUT", PROTECTION, Role.ENABLE, "triggers.protection", needs_client=True),
    Route("delete_protection", "DELETE", PROTECTION, Role.DISABLE, "triggers.disabling", needs_client=True),
    Route("post_plan", "POST", PLAN, Role.READ, "triggers.plan"),
    Route("put_hold", "PUT", HOLD, Role.ENABLE, "triggers.hold", needs_client=True),
    Route("delete_hold", "DELETE", HOLD, Role.ENABLE, "triggers.hold", needs_client=True),
    Route("put_acknowledge", "PUT", ACKNOWLEDGE, Role.ENABLE, "triggers.acknowledge"),
    Route("delete_acknowledge", "DELETE", ACKNOWLEDGE, Role.ENABLE, "triggers.acknowledge"),
    Route("get_timeline", "GET", TIMELINE, Role.READ, "triggers.timeline"),
    Route("post_protections", "POST", "protections", Role.ENABLE, "triggers.protections", needs_client=True),
    Route("post_protections_plan", "POST", "protections/plan", Role.READ, "triggers.protections_plan"),
    Route("get_batch", "GET", "protections/{batch}", Role.READ, "triggers.protections", needs_client=True),
    Route("get_drill", "GET", DRILL, Role.READ, "triggers.drill", needs_client=True),
    Route("post_drill", "POST", DRILL, Role.DRILL, "triggers.drill", needs_client=True),
    Route("delete_drill", "DELETE", DRILL, Role.DRILL, "triggers.drill", needs_client=True),
    Route("post_drill_plan", "POST", f"{DRILL}/plan", Role.READ, "triggers.drill"),
    Route("get_drills", "GET", "drills", Role.READ, "triggers.drills", needs_client=True),
    Route("post_drills", "POST", "drills", Role.DRILL, "triggers.drills", needs_client=True),
    Route("post_drills_plan", "POST", "drills/plan", Role.READ, "triggers.drills"),
    Route("get_drill_batch", "GET", "drills/{batch}", Role.READ, "triggers.drills", needs_client=True),
    Route("delete_drills", "DELETE", "drills/{batch}", Role.DRILL, "triggers.drills", needs_client=True),
    Route("get_compliance", "GET", "compliance", Role.READ, "triggers.compliance", needs_client=True),
    Route("get_status", "GET", STATUS, Role.READ, "triggers.status", needs_client=True),
    Route("get_runs", "GET", "runs", Role.READ, "triggers.runs", needs_client=True),
    Route("post_sweep", "POST", "sweep", Role.SWEEP, "triggers.status", needs_client=True),
    Route("get_report", "GET", "report", Role.READ, "triggers.report"),
    Route("get_jobs", "GET", "jobs", Role.READ, "triggers.jobs"),
    Route("get_openapi", "GET", "openapi.json", Role.READ, "triggers.openapi"),
)
