"""The limits of an estate's subscriptions: quotas, restricted sizes and deny policies."""

from local.simulator.estate.fields import Fields, each
from local.simulator.limits import Denial, Limits, Quota, RestrictedSize
from local.simulator.store import Store
from local.simulator.wire import Json


def read_limits(raw: Json, store: Store) -> Limits:
    """Raises ValueError."""
    return Limits(
        [
            Quota(
                _subscription(fields, store),
                fields.location(),
                fields.need("name", str),
                fields.need("limit", int),
                fields.get("used", int),
            )
            for fields in each(raw, "quotas", "subscription location name limit used")
        ],
        [
            RestrictedSize(
                _subscription(fields, store),
                fields.location(),
                fields.need("size", str),
                tuple(fields.get("zones", list, [])),
            )
            for fields in each(raw, "restrictedSizes", "subscription location size zones")
        ],
        [_denial(fields) for fields in each(raw, "policyDenials", "scope type assignment displayName definition")],
    )


def _subscription(fields: Fields, store: Store) -> str:
    found = store.subscription(fields.need("subscription", str))
    if found is None:
        raise ValueError(f"{fields.where}: subscription {fields.raw['subscription']!r} is not in the estate")
    return found.id


def _denial(fields: Fields) -> Denial:
    scope = str(fields.need("scope", str))
    if not scope.lower().startswith("/subscriptions/"):
        raise ValueError(f"{fields.where}: scope is a subscription or something in it, not {scope!r}")
    kind = str(fields.need("type", str))
    if "/" not in kind:
        raise ValueError(f"{fields.where}: type is no type of a resource: {kind!r}")
    assignment = str(fields.need("assignment", str))
    name = fields.get("displayName", str, assignment)
    return Denial(scope.rstrip("/"), kind, assignment, name, fields.get("definition", str, name))
