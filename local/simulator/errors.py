"""Error bodies of Azure Resource Manager and of its resource providers."""

from typing import Any

from local.simulator.wire import Answer, Json


class ArmError(Exception):
    """Ends a call with an ARM error body: `{"error": {"code", "message", ...}}`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        details: list[Json] | None = None,
        additional_info: list[Json] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.details = details
        self.additional_info = additional_info
        self.headers = headers or {}

    def answer(self) -> Answer:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        more = {"target": self.target, "details": self.details, "additionalInfo": self.additional_info}
        error |= {name: value for name, value in more.items() if value is not None}
        return Answer(self.status, {"error": error}, dict(self.headers))


_GATEWAY = {"x-ms-failure-cause": "gateway"}


def resource_not_found(resource_type: str, name: str, group: str) -> ArmError:
    """Message and header as recorded for a missing vault (CLI-SELF #21)."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{resource_type}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        headers=_GATEWAY,
    )


def group_not_found(name: str) -> ArmError:
    return ArmError(
        404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.", headers=dict(_GATEWAY)
    )


def other_location(name: str, location: str, group: str, asked: str) -> ArmError:
    return ArmError(
        409,
        "InvalidResourceLocation",
        f"The resource '{name}' already exists in location '{location}' in resource group '{group}'. A resource with "
        f"the same name cannot be created in location '{asked}'. Please select a new resource name.",
    )


def subscription_not_found(subscription: str) -> ArmError:
    return ArmError(
        404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.", headers=dict(_GATEWAY)
    )


def invalid_content(why: str) -> ArmError:
    return ArmError(
        400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{why}'."
    )


def invalid_parameter(target: str, why: str) -> ArmError:
    error = ArmError(400, "InvalidParameter", why)
    error.details = [{"code": "InvalidParameter", "target": target, "message": why}]
    return error


def invalid_reference(resource: str, by: str) -> ArmError:
    return ArmError(
        400,
        "InvalidResourceReference",
        f"Resource {resource} referenced by resource {by} was not found. Please make sure that the referenced resource "
        "exists, and that both resources are in the same region.",
        details=[],
    )


def scope_locked(scope: str, verb: str, locked: list[str]) -> ArmError:
    return ArmError(
        409,
        "ScopeLocked",
        f"The scope '{scope}' cannot perform {verb} operation because following scope(s) are locked: "
        f"'{', '.join(locked)}'. Please remove the lock and try again.",
        headers=dict(_GATEWAY),
    )


def authorization_failed(client: str, principal: str, action: str, scope: str) -> ArmError:
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{client}' with object id '{principal}' does not have authorization to perform action '{action}' "
        f"over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
        headers=dict(_GATEWAY),
    )


def linked_authorization_failed(client: str, principal: str, own: tuple[str, str], linked: tuple[str, str]) -> ArmError:
    """`own` and `linked` are each an action and its scope."""
    return ArmError(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{client}' with object id '{principal}' has permission to perform action '{own[0]}' on scope "
        f"'{own[1]}'; however, it does not have permission to perform action(s) '{linked[0]}' on the linked scope(s) "
        f"'{linked[1]}' (respectively) or the linked scope(s) are invalid.",
        headers=dict(_GATEWAY),
    )
