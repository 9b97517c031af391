"""The operations on the whole estate."""

from http import HTTPStatus

from shared.config.settings import Settings
from shared.model.decision import State
from shared.planning.catalog import CODES
from triggers import names
from triggers.compliance import CSV, FORMAT
from triggers.estate_views import ComplianceView, JobsView
from triggers.jobs import JOB_STATES, SCENARIO
from triggers.openapi.parts import ON_READ, Json, answer, query, refusals
from triggers.paging import AFTER, MOST_ROWS, ROWS, TOP
from triggers.routes import COMPLIANCE, JOBS

_REFUSALS = refusals(
    {
        **{status: about for status, about in ON_READ.items() if status is not HTTPStatus.NOT_FOUND},
        HTTPStatus.BAD_REQUEST: "InvalidQuery: `errors` name every query parameter that cannot be, and what is allowed",
    }
)


def paths(settings: Settings) -> Json:
    return {f"/{COMPLIANCE}": {"get": _compliance(settings)}, f"/{JOBS}": {"get": _jobs()}}


def _compliance(settings: Settings) -> Json:
    found = answer("The status of the VMs", ComplianceView)
    found["content"]["text/csv"] = {"schema": {"type": "string"}}
    found["headers"] = {
        "Content-Disposition": {"description": "With CSV: the name of the file", "schema": {"type": "string"}}
    }
    own = settings.tag_name
    return {
        "operationId": "get_compliance",
        "summary": "How every VM of the estate stands, by ID, and a summary of all that the filters leave",
        "parameters": [
            query("state", "How it stands.", enum=list(State)),
            query("finding", "The code of a finding that it has.", enum=sorted(CODES)),
            query("subscription", "Its subscription, one of the source scope.", pattern=f"^{names.GUID}$"),
            query("resourceGroup", "Its resource group.", pattern=f"^{names.GROUP}$"),
            query("region", "Its region, as eastus."),
            query("tag", f"A tag of the app's own that it carries: <name> or <name>=<value>, as {own}-profile=gold."),
            query(FORMAT, f"As Accept: text/csv. A {CSV} file holds every row: it takes no page.", enum=["json", CSV]),
            *_paging(),
        ],
        "responses": {"200": found, **_REFUSALS},
    }


def _jobs() -> Json:
    return {
        "operationId": "get_jobs",
        "summary": "Site Recovery jobs of all vaults, newest first",
        "parameters": [
            query("vm", "The name of its VM.", pattern=f"^{names.VM}$"),
            query("state", "How it stands.", enum=list(JOB_STATES)),
            query("scenario", "What it does, in the service's words, as EnableDr.", pattern=f"^{SCENARIO}$"),
            *_paging(),
        ],
        "responses": {"200": answer("The jobs", JobsView), **_REFUSALS},
    }


def _paging() -> list[Json]:
    return [
        query(TOP, "Rows of a page.", type="integer", minimum=1, maximum=MOST_ROWS, default=ROWS),
        query(AFTER, "Where the page begins: of a nextLink, as it was given.", pattern="^[A-Za-z0-9_-]{1,2000}$"),
    ]
