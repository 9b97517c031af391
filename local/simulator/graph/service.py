"""The one route of Resource Graph: a query over subscriptions, answered page by page."""

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from local.simulator import checks
from local.simulator.access.actions import Right
from local.simulator.errors import ArmError
from local.simulator.graph import tables
from local.simulator.graph.errors import QueryError, refusal
from local.simulator.graph.functions import text
from local.simulator.graph.operators import Query, parse
from local.simulator.routing import Routes
from local.simulator.store import Subscription
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("resource-graph")
PATH = "/providers/Microsoft.ResourceGraph/resources"
_QUERY = "Microsoft.ResourceGraph/resources/read"
_MOST_ROWS = 1000
_MOST_SUBSCRIPTIONS = 1000
_MOST_BYTES = 16 * 1024 * 1024  # seen in microsoft/ARI#199
_OPTIONS = ("$top", "$skip", "$skipToken", "resultFormat", "allowPartialScopes", "authorizationScopeFilter")
_TABLE_TYPES = {"string": "string", "long": "integer", "real": "number", "bool": "boolean", "dynamic": "object"}


@routes.route("POST", PATH)
def query_resources(world: World, call: Call) -> Answer:
    body = checks.body(call)
    words = checks.get(body, "query", str, required=True)
    subscriptions = _permitted(world, call, _subscriptions(world, body))
    first, size = _page(world, body)
    as_table = _as_table(world, body)
    try:
        query = parse(words, dict.fromkeys(tables.TABLES, tables.columns(world)))
    except QueryError as error:
        raise refusal(world.clock.stamp(), 400, "BadRequest", error.details) from None
    rows = query.run(_visible(world, call, _rows(world, query.table, subscriptions)))
    page = [
        {name: _json(each.evaluate(row)) for name, each in query.columns.items()} for row in rows[first : first + size]
    ]
    more = first + size < len(rows)
    token = _token(body, first + size, size) if more and _can_be_paged(query) else None
    answer: Json = {
        "totalRecords": len(rows),
        "count": len(page),
        "data": _table(query, page) if as_table else page,
        "facets": [],
        "resultTruncated": "true" if more and not token else "false",
    }
    answer |= {"$skipToken": token} if token else {}
    _check_payload(world, answer)
    return Answer(200, answer)


def _check_payload(world: World, answer: Json) -> None:
    size = len(json.dumps(answer, separators=(",", ":")))
    if size > _MOST_BYTES:
        message = (
            f"Response payload size is {size}, and has exceeded the limit of {_MOST_BYTES}. Please consider querying "
            "less data at a time and make paginated call if needed."
        )
        raise _refused(world, "ResponsePayloadTooLarge", message)


def _rows(world: World, table: str, subscriptions: list[Subscription]) -> Iterable[tables.Row]:
    lagging = world.graph
    return lagging.rows_of(table, subscriptions) if lagging else tables.rows_of(world, table, subscriptions)


def _permitted(world: World, call: Call, subscriptions: list[Subscription]) -> list[Subscription]:
    """Those that the caller may query. Others are left out without a word; with none left it is a refusal (azure-docs,
    governance/resource-graph/overview; its words seen in Azure/azure-sdk-for-java#29924)."""
    asked = ((each, Right(_QUERY, f"/subscriptions/{each.id}")) for each in subscriptions)
    found = [each for each, right in asked if world.access.demand(call.principal, right)]
    if subscriptions and not found:
        message = "Access is denied to the requested resource. The user might not have enough permission."
        raise refusal(world.clock.stamp(), 403, "AccessDenied", [{"code": "AccessDenied", "message": message}])
    return found


def _visible(world: World, call: Call, rows: Iterable[tables.Row]) -> Iterable[tables.Row]:
    """What the caller may read by itself: nothing tells that there is more."""
    if not world.access.is_limited(call.principal):
        return rows
    reads = ((row, Right(f"{row.body['type']}/read", row.body["id"])) for row in rows)
    return (row for row, right in reads if world.access.may(call.principal, right))


def _subscriptions(world: World, body: Json) -> list[Subscription]:
    """Those that are asked for and exist; without any, all of the tenant."""
    if unknown := set(body) - {"query", "subscriptions", "options"} - {name for name in body if not body[name]}:
        raise _refused(world, "NotServedHere", f"The simulator does not serve '{min(unknown)}'.")
    asked = checks.get(body, "subscriptions", list)
    if not asked:
        return list(world.store.subscriptions.values())
    if len(asked) > _MOST_SUBSCRIPTIONS:
        message = f"At most {_MOST_SUBSCRIPTIONS} subscriptions are allowed, {len(asked)} are given."
        raise _refused(world, "TooManySubscriptions", message)  # the limit is documented, the words are invented
    found = {each.id: each for name in asked if (each := world.store.subscription(str(name)))}
    if not found:
        given = ",".join(map(str, asked))
        message = f"There must be at least one subscription that is eligible to contain resources. Given: '{given}'."
        raise _refused(world, "NoValidSubscriptionsInQueryRequest", message)
    return list(found.values())


def _page(world: World, body: Json) -> tuple[int, int]:
    """The first row, and how many at most. `$top` and `$skip` overrule what the token says."""
    options = checks.get(body, "options", dict) or {}
    if unknown := set(options) - set(_OPTIONS):
        raise _refused(world, "BadRequest", f"Unknown option '{min(unknown)}'.")
    token = checks.get(options, "$skipToken", str)
    first, size = _read_token(world, body, token) if token else (0, _MOST_ROWS)
    top, skip = checks.get(options, "$top", int), checks.get(options, "$skip", int)
    first, size = first if skip is None else skip, size if top is None else top
    if not 1 <= size <= _MOST_ROWS or first < 0:
        raise _refused(world, "BadRequest", f"$top must be between 1 and {_MOST_ROWS}, and $skip at least 0.")
    return first, size


def _can_be_paged(query: Query) -> bool:
    """Pages need the ID in the result (so the official examples), and no `take` (azure-docs, paging-results)."""
    return "id" in query.columns and not query.limited


def _token(body: Json, first: int, size: int) -> str:
    """Page size and offset, and for which query: what the official description says that a token holds."""
    content = {"RowsToSkip": first, "MaxRows": size, "Query": _digest(body)}
    return base64.b64encode(json.dumps(content).encode()).decode()


def _read_token(world: World, body: Json, token: str) -> tuple[int, int]:
    try:
        content = json.loads(base64.b64decode(token, validate=True))
        if content["Query"] == _digest(body):
            return content["RowsToSkip"], content["MaxRows"]
    except (ValueError, KeyError, TypeError):
        pass
    raise _refused(world, "InvalidSkipToken", "The $skipToken is none of this query over these subscriptions.")


def _digest(body: Json) -> str:
    asked = [body["query"], sorted(map(str, body.get("subscriptions") or ()))]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def _as_table(world: World, body: Json) -> bool:
    form = checks.get(body, "options.resultFormat", str) or "objectArray"
    if form not in ("objectArray", "table"):
        raise _refused(world, "BadRequest", f"resultFormat must be objectArray or table, not '{form}'.")
    return form == "table"


def _json(value: Any) -> Any:
    return text(value) if isinstance(value, datetime) else value


def _table(query: Query, page: list[Json]) -> Json:
    """The other format of a result: `columns` with their types, and `rows` of values."""
    return {
        "columns": [
            {"name": name, "type": _TABLE_TYPES.get(each.kind, "string")} for name, each in query.columns.items()
        ],
        "rows": [list(row.values()) for row in page],
    }


def _refused(world: World, code: str, message: str) -> ArmError:
    return refusal(world.clock.stamp(), 400, "BadRequest", [{"code": code, "message": message}])
