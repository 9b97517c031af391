"""Validates ARM traffic against the installed azure-mgmt-* packages: route, api-version, status code and both bodies.

An SDK sends what its caller put into its models and reads whatever comes back, so a wrong property passes unseen on
either side of a local test. Here both sides are held to the models.

Networks, storage accounts and vaults have no SDK installed: each costs seconds of cold start for a few calls, so the
app reaches them through the generic resources client. Of those only the envelope of ARM is checked: id, name, type,
location, tags, kind, sku, and that there is nothing else beside `properties`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.conformance.exchange import Exchange, logged_exchange
from local.conformance.routes import Route, find_generic_route, find_route
from local.conformance.schema import Finding, check_json

_ENVELOPE_ONLY = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
    r"(Microsoft\.Network/(virtualNetworks(/[^/]+/subnets)?|networkInterfaces|networkSecurityGroups|routeTables|publicIPAddresses"
    r"|loadBalancers)|Microsoft\.Storage/storageAccounts"
    r"|Microsoft\.RecoveryServices/vaults)/[^/]+"
    r"|/subscriptions/.+/providers/Microsoft\.(Authorization/locks|Resources/links)/[^/]+",
    re.IGNORECASE,
)

# Reads that no installed SDK has: only their status can be checked.
_UNMODELLED = re.compile(
    r"/subscriptions/[^/]+/providers/Microsoft\.(Authorization/locks|Resources/links|Network/networkInterfaces)"
    r"|/subscriptions/.+/virtualNetworks/[^/]+/CheckIPAddressAvailability"
    r"|/subscriptions/[^/]+/providers/Microsoft\.Storage/checkNameAvailability"
    r"|/subscriptions/.+/storageAccounts/[^/]+/(blob|file|queue|table)Services/default(/(containers|shares|queues|tables))?",
    re.IGNORECASE,
)


def validate(exchange: Exchange) -> list[Finding]:
    """All differences between one exchange and the SDKs' models."""
    if exchange.asks_operation_status:
        return [*_check_status_code(exchange, {200}), *_check_operation_status(exchange)]
    if exchange.asks_operation_result:
        return list(_check_status_code(exchange, {200, 201, 202, 204}))
    if exchange.method in {"GET", "POST"} and _UNMODELLED.fullmatch(exchange.path):
        return list(_check_status_code(exchange, {200}))
    route = find_route(exchange.method, exchange.path)
    if route is None and _ENVELOPE_ONLY.fullmatch(exchange.path):
        route = find_generic_route(exchange.method)
    if route is None:
        return [Finding("route", "no installed SDK has it", f"{exchange.method} {exchange.path}")]
    return [
        *_check_api_version(exchange, route),
        *_check_request(exchange, route),
        *_check_status_code(exchange, route.statuses),
        *_check_response(exchange, route),
    ]


def validate_request_log(entries: Iterable[Mapping[str, Any]]) -> list[tuple[Exchange, Finding]]:
    """Validates the requests and responses in the log of `GET /sim/requests`."""
    return [(exchange, finding) for exchange in map(logged_exchange, entries) for finding in validate(exchange)]


def _check_api_version(exchange: Exchange, route: Route) -> Iterator[Finding]:
    if not exchange.api_version:
        yield Finding("api-version", "missing", allowed=route.api_version or "any that the resource type has")
    elif route.api_version not in (None, exchange.api_version):
        yield Finding("api-version", "not the SDK's", exchange.api_version, str(route.api_version))


def _check_request(exchange: Exchange, route: Route) -> Iterator[Finding]:
    if route.request is None:
        # `{}` is what az and the portal send with an action that takes no body.
        if exchange.request_body:
            yield Finding("request$", "no body is expected")
    elif exchange.request_body is not None:
        yield from check_json(exchange.request_body, route.request, "request$", sent=True)
    elif route.request_required:
        yield Finding("request$", "body missing", allowed=route.request.__name__)


def _check_status_code(exchange: Exchange, expected: Iterable[int]) -> Iterator[Finding]:
    if exchange.status == 0:
        return  # The simulator's log: the connection was reset, there was no answer.
    if exchange.status >= 400:
        yield from _check_error(exchange)
    elif exchange.status not in expected:
        yield Finding("status", "not an answer of this operation", str(exchange.status), ", ".join(map(str, expected)))
    elif exchange.status == 202 and exchange.response_headers is not None:
        headers = {name.lower() for name in exchange.response_headers}
        if not headers & {"azure-asyncoperation", "location"}:
            yield Finding("headers", "a 202 says where to look", allowed="Azure-AsyncOperation, Location")


def _check_error(exchange: Exchange) -> Iterator[Finding]:
    """`{"error": {"code": …, "message": …}}`, the common error body of ARM. HEAD has none; the log drops old ones."""
    body = exchange.response_body
    error = body.get("error") if isinstance(body, dict) else None
    if exchange.method == "HEAD" or exchange.body_omitted:
        return
    if not (isinstance(error, dict) and error.get("code") and error.get("message")):
        yield Finding("response$.error", "code and message are required", repr(body)[:80])


def _check_operation_status(exchange: Exchange) -> Iterator[Finding]:
    """The document behind Azure-AsyncOperation, as the SDK's poller needs it."""
    body = exchange.response_body
    if exchange.body_omitted:
        return
    if not isinstance(body, dict) or not isinstance(body.get("status"), str):
        yield Finding("response$.status", "required, a string", repr(body)[:80])
    elif body["status"] in ("Failed", "Canceled") and not (body.get("error") or {}).get("code"):
        yield Finding("response$.error.code", "required where the operation failed")


def _check_response(exchange: Exchange, route: Route) -> Iterator[Finding]:
    body = exchange.response_body
    if exchange.status >= 400 or exchange.method == "HEAD" or exchange.body_omitted or route.response is None:
        return
    if body is None:
        # 202 and 204 are empty; what they lead to is read from the resource.
        if exchange.status in route.statuses & {200, 201}:
            yield Finding("response$", "body missing", allowed=getattr(route.response, "__name__", str(route.response)))
    elif not route.paged:
        yield from check_json(body, route.response, "response$", sent=False)
    elif not isinstance(body, dict) or "value" not in body:
        yield Finding("response$.value", "required in a page", repr(body)[:80])
    else:
        yield from check_json(body["value"], route.response, "response$.value", sent=False)
        yield from check_json(body.get("nextLink"), str | None, "response$.nextLink", sent=False)
