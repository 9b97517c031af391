"""What is known to differ, and why: the only place where a difference may be excused."""

import re
from dataclasses import dataclass

from local.conformance.comparison import Difference
from local.conformance.exchange import Exchange
from local.conformance.schema import Finding


@dataclass(frozen=True)
class Known:
    """Regular expressions over `METHOD path`, the kind of a difference and where it stands."""

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


KNOWN: tuple[Known, ...] = ()

# Calls that the simulator does not serve: `METHOD path` to the reason.
OUT_OF_SCOPE: tuple[tuple[str, str], ...] = ()


def explain(difference: Difference) -> str | None:
    """The reason of a known difference."""
    return next((known.reason for known in KNOWN if known.fits(difference)), None)


def out_of_scope(exchange: Exchange) -> str | None:
    """Why an exchange is not replayed."""
    request = f"{exchange.method} {exchange.path}"
    return next((reason for pattern, reason in OUT_OF_SCOPE if re.search(pattern, request, re.IGNORECASE)), None)


# Where recorded real traffic departs from the models of the installed SDKs: where, what, reason.
RECORDED_BESIDE_THE_SDK = (
    ("api-version", "not the SDK's", "recorded in 2019 to 2023 by clients that sent the versions of their time"),
    (r"response\$\.etag", "not a property", "the generic resource has no etag; networks and vaults answer one"),
    (
        r"response\$.*\.providerSpecificDetails\.(status|associatedItemsCount|dataSourceType)",
        "not a property",
        "answered for policies of VMware machines, described nowhere",
    ),
    (
        r"response\$.*\.customDetails\.instanceType",
        "unknown discriminator",
        "the service answers TaskDetails, the base",
    ),
)


def explain_finding(finding: Finding) -> str | None:
    """The reason for a known finding of the validator in recorded traffic."""
    fitting = (
        reason
        for where, what, reason in RECORDED_BESIDE_THE_SDK
        if re.fullmatch(where, finding.where) and finding.what.startswith(what)
    )
    return next(fitting, None)
