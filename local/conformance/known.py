"""Known differences with their reasons: the only place that may excuse a difference."""

import json
import re
from dataclasses import dataclass

from local.conformance.comparison import Difference
from local.conformance.exchange import Exchange
from local.conformance.schema import Finding


@dataclass(frozen=True)
class Known:
    """Regular expressions over `METHOD path`, the kind of a difference and its place."""

    request: str
    kind: str
    where: str
    reason: str

    def fits(self, difference: Difference) -> bool:
        e = difference.exchange
        return (
            re.search(self.request, f"{e.method} {e.path}", re.IGNORECASE) is not None
            and re.fullmatch(self.kind, difference.kind) is not None
            and re.search(self.where, difference.where) is not None
        )


_VAULT_OPERATIONS = "the app never makes a vault; the simulator follows its creation as it does that of a network"
KNOWN = (
    Known(
        r"^GET .*/virtualMachines/[^/]+$",
        "missing",
        r"^\$\.(identity|resources)$",
        "the recorded VM has an identity, and extensions that others put on it; an estate describes neither",
    ),
    Known(
        r"^PUT .*/vaults/[^/]+$",
        "header|extra",
        r"^header azure-asyncoperation$|^\$\.properties\.(backupStorageVersion|securitySettings)$",
        _VAULT_OPERATIONS,
    ),
    Known(
        r"^GET .*/vaults/[^/]+/operationStatus/[^/]+$",
        "header|missing",
        r"^header (azure-asyncoperation|location)$|^\$\.(id|name)$",
        _VAULT_OPERATIONS,
    ),
    Known(
        r"^GET .*/replicationProtectedItems(/|$)",
        "extra",
        r"\.providerSpecificDetails\.churnOptionSelected$",
        "the service shows it since a later api-version than the recorded one",
    ),
)

# A region for Microsoft's own tests: the simulator refuses it, as Azure does for others. A public one stands in.
STAND_INS = {"eastus2euap": "eastus2"}

_ON_PREMISES = "for replication from on-premises sites; the simulator serves Azure to Azure"
_REPORTS = "a report or setting of the vault that the app never asks for"
# Calls that the simulator does not serve by design. Each pattern is searched in `METHOD path body`.
OUT_OF_SCOPE = (
    (r"/replicationAppliances$|/replicationMigrationItems$|/replicationvCenters$", _ON_PREMISES),
    (r"/replicationRecoveryServicesProviders$|/replicationStorageClassification(Mapping)?s$", _ON_PREMISES),
    (r"/vaults/[^/]+/replicationNetworks$", _ON_PREMISES),
    (r'"instanceType": "InMage', _ON_PREMISES),
    (r"/replicationAlertSettings|/replicationEvents|/replicationVaultHealth", _REPORTS),
    (r"/replicationSupportedOperatingSystems|/replicationJobs/export", _REPORTS),
)


def explain(difference: Difference) -> str | None:
    """The reason of a known difference."""
    return next((known.reason for known in KNOWN if known.fits(difference)), None)


def out_of_scope(exchange: Exchange) -> str | None:
    """Why the simulator does not serve a call."""
    body = "" if exchange.request_body is None else json.dumps(exchange.request_body)
    call = f"{exchange.method} {exchange.path} {body}".rstrip()
    return next((reason for pattern, reason in OUT_OF_SCOPE if re.search(pattern, call, re.IGNORECASE)), None)


_PRIVATE = "private disks: API 2026-02-01 takes what the models of SDK 2.0.0 do not have"
# What Azure answers beside its own description: where, what, reason. The simulator answers as Azure does.
BESIDE_THE_DESCRIPTION = (
    (r"response\$\.etag", "not a property", "the generic resource has no etag; networks and vaults answer one"),
    (
        r"response\$.*\.providerSpecificDetails\.(status|associatedItemsCount|dataSourceType)",
        "not a property",
        "answered for policies of VMware machines, described nowhere",
    ),
    (r"response\$.*\.rtoInSeconds", "not a property", "answered for some protected items, described nowhere"),
    (
        r"response\$.*\.customDetails\.instanceType",
        "unknown discriminator",
        "the service answers TaskDetails, the base",
    ),
    ("api-version", "not the SDK's, given 2026-02-01", _PRIVATE),
    (r"request\$.*\.recovery(NetworkAccessPolicy|PublicNetworkAccess|DiskAccessId)", "not a property", _PRIVATE),
)
_TIMES = ("api-version", "not the SDK's", "recorded in 2019 to 2023, by clients that sent the versions of their time")


def explain_finding(finding: Finding, *, recorded: bool = False) -> str | None:
    """The reason for a known finding of the validator. Recorded traffic may use the api-versions of its time."""
    table = (*BESIDE_THE_DESCRIPTION, _TIMES) if recorded else BESIDE_THE_DESCRIPTION
    fitting = (
        reason
        for where, what, reason in table
        if re.fullmatch(where, finding.where) and f"{finding.what}, given {finding.given}".startswith(what)
    )
    return next(fitting, None)
