"""The Azure action that a request needs, and the scope at which it is checked."""

from typing import NamedTuple

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
_PROVIDERS = "/providers/"
_READ_BY_POST = {"checknameavailability"}


class Right(NamedTuple):
    """An action at a scope, as `Microsoft.Compute/virtualMachines/read` on a VM, compared without case."""

    action: str
    scope: str


def required(method: str, path: str) -> Right | None:
    """The right that a request needs, by its resource type and method. None for the list of subscriptions and for
    Resource Graph, which filter their rows instead.

    A list needs the right to read its elements; its scope is the path, as in the errors that were seen.
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
