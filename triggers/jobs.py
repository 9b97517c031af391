"""GET of the Site Recovery jobs of all vaults, started by anyone, and their results."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

import azure.functions as func

from shared.arm.client import Azure
from shared.model.replicated_item import Job, JobError, JobStage
from shared.model.resource_id import ResourceId
from shared.model.values import matching, one_of
from shared.site_recovery.vault import Vault, vaults_of
from triggers import names
from triggers.estate_views import JobsView, JobView, vm_of_job
from triggers.names import read_vm
from triggers.operations import describe, query
from triggers.paging import ON_LIST, PAGE_PARAMETERS, PAGING, page_of
from triggers.requests import query_of, translate_azure_errors

JOB_STATES = (
    *("NotStarted", "InProgress", "Succeeded", "CompletedWithInformation"),
    *("Failed", "Cancelled", "Suspended", "Other"),
)
"""As the service writes them."""

MOST_ERRORS = 100
"""Each is one read."""

SCENARIO = "[A-Za-z0-9]{1,64}"
_READERS: dict[str, Callable[[str], Any]] = {
    "vm": read_vm,
    "state": one_of(*JOB_STATES),
    "scenario": matching(SCENARIO, "the name of a scenario, as EnableDr"),
    **PAGING,
}
_MATCHES: dict[str, Callable[[Job], str]] = {
    "vm": vm_of_job,
    "state": lambda job: job.state,
    "scenario": lambda job: job.scenario,
}


@describe(
    "Site Recovery jobs of all vaults, newest first",
    JobsView,
    "The jobs",
    ON_LIST,
    query=lambda _: [
        query("vm", "The name of its VM.", pattern=f"^{names.VM}$"),
        query("state", "Its state.", enum=list(JOB_STATES)),
        query("scenario", "Its scenario, as the service names it: EnableDr.", pattern=f"^{SCENARIO}$"),
        *PAGE_PARAMETERS,
    ],
)
async def get_jobs(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """Newest first. One list for each vault, shared with the runs, at most a poll interval old, and once the error of
    each failed job that is shown. Raises Problem."""
    given = query_of(request, _READERS)
    filters = [(_MATCHES[name], value.lower()) for name, value in given.items() if name in _MATCHES]
    jobs = [(vault, job) for vault in vaults_of(azure) for job in await translate_azure_errors(vault.jobs.get())]
    chosen = [
        (_key(vault.id, job), (vault, job))
        for vault, job in jobs
        if all(field(job).lower() == value for field, value in filters)
    ]
    page = page_of(request, given, chosen, last_first=True)
    return JobsView(value=await views_of(page.rows), next_link=page.next_link).response()


async def views_of(jobs: Sequence[tuple[Vault, Job]]) -> tuple[JobView, ...]:
    """The jobs, the newest that failed with their errors, as far as these can be read."""
    failed = [(vault, job) for vault, job in jobs if job.stage is JobStage.FAILED][:MOST_ERRORS]
    reads = (vault.job_error(job.name) for vault, job in failed)
    errors = await asyncio.gather(*reads, return_exceptions=True)
    by_job = {
        (vault.id, job.name): error
        for (vault, job), error in zip(failed, errors, strict=True)
        if isinstance(error, JobError)
    }
    return tuple(JobView.of(vault.id, job, by_job.get((vault.id, job.name))) for vault, job in jobs)


def _key(vault: ResourceId, job: Job) -> str:
    """The sort key: start time, then vault and name. A job without a start time comes last."""
    began = f"{job.started.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}" if job.started else ""
    return f"{began} {vault.key} {job.name}"
