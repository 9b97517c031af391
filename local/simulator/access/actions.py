"""From a request to the action that Azure demands for it, and the scope at which it does."""

from typing import NamedTuple

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
_PROVIDERS = "/providers/"
_READ_BY_POST = {"checknameavailability"}


class Right(NamedTuple):
    """As `Microsoft.Compute/virtualMachines/read` on a VM. IDs and actions are compared without case."""

    action: str
    scope: str


def required(method: str, path: str) -> Right | None:
    """What a request demands, by its resource type and method. None where Azure shows to each what he may see: the
    subscriptions, and Resource Graph.

    A list demands the read of all that is listed; its scope is the path, as seen in refusals.
    """
    scope, verb = path.rstrip("/"), _VERBS.get(method, "")
    if not verb:
        scope, _, name = scope.rpartition("/")
        verb = f"{name}/{'read' if name.lower() in _READ_BY_POST else 'action'}"
    at = scope.lower().rfind(_PROVIDERS)
    if at == 0:
        return None
    namespace, *types = scope[at + len(_PROVIDERS) :].split("/")
    if at > 0 and (types or method == "POST"):
        return Right("/".join((namespace, *types[::2], verb)), scope)
    return _of_resource_manager(scope, verb)


def _of_resource_manager(scope: str, verb: str) -> Right | None:
    """Subscriptions, resource groups, providers, and the lists in them."""
    segments = scope.strip("/").split("/")
    if segments[0].lower() != "subscriptions" or len(segments) == 1:
        return None
    held = segments[:-1] if len(segments) % 2 else segments
    return Right("/".join(("Microsoft.Resources", *segments[::2], verb)), "/" + "/".join(held))
