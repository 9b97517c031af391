"""Errors that may end a run, a sweep or a batch, and what to do about each: none is reported without an action.

Here are the app's own codes and those of the network; Azure's own that no wait helps against are in
`arm/permanent_errors.py`, and their actions come with them.
"""

from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from shared.model.step_result import Error


class ErrorRow(NamedTuple):
    means: str
    fix: str


_RETRY = "PUT .../protection tries again at once, the app by itself when the VM changes or in a later sweep."
_NETWORK = f"See whether the app reaches Azure (outbound rules, DNS, Azure's service health). {_RETRY}"
_FAULT = f"See the app's log for the stack trace, and report it: this is a fault of the app or of its host. {_RETRY}"
_RIGHT = "Assign the app's role that has the action to its identity, on the scope that the message names."

ANY_ERROR = ErrorRow(
    "Azure refused, or a job of Site Recovery failed: the message says why",
    f"Act on the message, which is Azure's own. {_RETRY}",
)

ERRORS = {
    "AuthorizationFailed": ErrorRow("the app's identity lacks the right that the message names", _RIGHT),
    "LinkedAuthorizationFailed": ErrorRow(
        "the app's identity lacks a right on a resource that the request names", _RIGHT
    ),
    "OriginStoreUnavailable": ErrorRow(
        "the app cannot record what it is about to create, and creates nothing without a record",
        "Give the app's identity Storage Blob Data Owner on the account of DR_ORIGIN_STORE, and see that its container "
        "exists (the message names it) and the account's firewall lets the app in.",
    ),
    "TargetsNotReady": ErrorRow(
        "a target resource was still not ready after an hour (120 polls)",
        f"See the deployment of the target resources in the activity log of their resource group. {_RETRY}",
    ),
    "MissingParent": ErrorRow(
        "what a target resource or an item is made in was removed, or is not listed yet",
        f"See that nothing else removes fabrics, containers or target resources. {_RETRY}",
    ),
    "ItemMissing": ErrorRow(
        "the enable job succeeded, and the vault holds no item",
        f"See the job in the vault, and whether something else disables replication. {_RETRY}",
    ),
    "ForeignItemFailed": ErrorRow(
        "enabling failed, and no record proves that this deployment created the failed item",
        "Disable replication of the VM in the portal; the next run enables it again.",
    ),
    "JobFailed": ErrorRow(
        "a Site Recovery job ended without success, and names no error",
        f"See the job and its tasks in the vault. {_RETRY}",
    ),
    "TestVmNotReady": ErrorRow(
        "the test VM of a drill did not come up within 30 minutes (60 polls): the message says what was wrong",
        "See why the VM does not boot from its replica (boot diagnostics, drivers, services that wait for a network), "
        "and drill it again: with keepMinutes there is time to look at the test VM.",
    ),
    "DrillCancelled": ErrorRow(
        "somebody ended a drill, or its batch, before its test VM was ready (DELETE .../drill, DELETE drills/{batch})",
        "Drill the VM again if it is to be tested.",
    ),
    "DrillInterrupted": ErrorRow(
        "the run of a drill was lost before its test VM was ready, and what it had begun was cleaned up",
        "See what ended the run (a new task hub, a purge), and drill the VM again.",
    ),
    "TestFailoverByOthers": ErrorRow(
        "somebody else began a test failover of the VM before the drill did", "Clean that up, and drill the VM again."
    ),
    "ItemBusy": ErrorRow("another job on the replicated item is in progress", "Drill the VM again when it has ended."),
    "DrillInProgress": ErrorRow(
        "another drill of the VM was in progress when its batch came to it",
        "Nothing, or drill the VM again when the other one has ended.",
    ),
    "PlanNotMade": ErrorRow(
        "Site Recovery did not make the recovery plan for the drill of a consistency group: the message says why",
        "See the message, and drill the group again.",
    ),
    "PlanChanged": ErrorRow(
        "somebody has changed the recovery plan that the app made for the drill of a consistency group",
        "Take out of the plan what is not of the group: the app then removes it. Drill the group again after that.",
    ),
    "DrillRecordMissing": ErrorRow(
        "the record of the drill is gone from the app's store: what it began is a person's now",
        "Clean up the test failover in the portal, and see who writes to the container of DR_ORIGIN_STORE.",
    ),
    "ServiceRequestError": ErrorRow("Azure could not be reached", _NETWORK),
    "ServiceResponseError": ErrorRow("the connection to Azure broke before a response", _NETWORK),
    "DecodeError": ErrorRow("a response that is not what Azure documents", _NETWORK),
    "MalformedResponseError": ErrorRow("a response that is not what Azure documents", _NETWORK),
    "TruncatedError": ErrorRow("Azure Resource Graph returned fewer rows than it counts", _NETWORK),
    "NoAnswer": ErrorRow("no response, or no access token for the app's identity", _NETWORK),
    "UnexpectedError": ErrorRow("an error that the app does not know", _FAULT),
    "RunNotStarted": ErrorRow("no run has accepted the request", f"Repeat the request: that is safe. {_FAULT}"),
    "RunEnded": ErrorRow("the run of the VM failed, or somebody terminated it", _FAULT),
    "BatchFailed": ErrorRow(
        "the batch failed, or somebody terminated it", f"POST the batch again: that is safe. {_FAULT}"
    ),
    "NotRead": ErrorRow("the inventory could not be read", f"See the log of the sweep. {_NETWORK}"),
    "NotYet": ErrorRow("Azure requested a later retry, again and again", _NETWORK),
}
"""By code."""


def with_action(error: Error) -> Error:
    """The error with what to do: its own action, else that of its row."""
    return error if error.action.strip() else error.with_(action=action_for(error.code))


def action_for(code: str) -> str:
    return ERRORS.get(code, ANY_ERROR).fix


FinalError = Annotated[Error, AfterValidator(with_action)]
"""The type of an error that ends something: it always has an action."""
