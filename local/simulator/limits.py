"""Limits of a subscription: quotas of cores, restricted sizes, and types that Azure Policy denies."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from local.simulator import ids
from local.simulator.errors import ArmError
from local.simulator.ids import stable_guid
from local.simulator.wire import Json

_GROUP = "Microsoft.Resources/resourceGroups"


@dataclass(frozen=True, slots=True)
class Quota:
    """`name` is `cores` or a family of sizes. Without `used`, the cores of existing VMs are counted."""

    subscription: str
    location: str
    name: str
    limit: int
    used: int | None


@dataclass(frozen=True, slots=True)
class RestrictedSize:
    """A size that is restricted in these zones, or, without zones, in the whole location."""

    subscription: str
    location: str
    size: str
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Denial:
    """A policy assignment with the effect deny for one resource type."""

    scope: str
    type: str
    assignment: str
    display_name: str
    definition: str

    def applies(self, path: str, kind: str) -> bool:
        return self.type.lower() == kind.lower() and (path + "/").startswith(ids.key(self.scope) + "/")


@dataclass(slots=True)
class Limits:
    quotas: list[Quota] = field(default_factory=list)
    restricted: list[RestrictedSize] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)

    def set_quota(self, quota: Quota) -> None:
        """In place of one that there is."""
        old = self.quota(quota.subscription, quota.location, quota.name)
        self.quotas = [*(each for each in self.quotas if each is not old), quota]

    def quota(self, subscription: str, location: str, name: str) -> Quota | None:
        asked = (subscription.lower(), location, name.lower())
        for quota in self.quotas:
            if (quota.subscription.lower(), quota.location, quota.name.lower()) == asked:
                return quota
        return None

    def restrictions(self, subscription: str, location: str, size: str) -> Iterator[RestrictedSize]:
        asked = (subscription.lower(), location, size.lower())
        for each in self.restricted:
            if (each.subscription.lower(), each.location, each.size.lower()) == asked:
                yield each

    def check_policy(self, path: str) -> None:
        """Raises ArmError 403 when a policy denies a write at this path."""
        parts = path.strip("/").split("/")
        parsed = ids.parse(path)
        kind = parsed.type if parsed else _GROUP if len(parts) == 4 else ""
        for denial in self.denials:
            if denial.applies(ids.key(path), kind):
                raise _disallowed(denial, parts[-1])


def _disallowed(denial: Denial, name: str) -> ArmError:
    """Body as documented (azure-docs, enforce job execution on a hybrid worker by Azure Policy)."""
    policies = "providers/Microsoft.Authorization"
    assignment = denial.assignment
    if not assignment.startswith("/"):
        assignment = f"{denial.scope}/{policies}/policyAssignments/{assignment}"
    definition, definition_name = denial.definition, denial.display_name
    if not definition.startswith("/"):
        definition, definition_name = f"/{policies}/policyDefinitions/{stable_guid('policy', definition)}", definition
    identifiers = [
        {
            "policyAssignment": {"name": denial.display_name, "id": assignment},
            "policyDefinition": {"name": definition_name, "id": definition},
        }
    ]
    evaluated = {
        "result": "True",
        "expressionKind": "Field",
        "expression": "type",
        "path": "type",
        "expressionValue": denial.type,
        "targetValue": denial.type,
        "operator": "Equals",
    }
    violation: Json = {
        "policyDefinitionDisplayName": definition_name,
        "evaluationDetails": {"evaluatedExpressions": [evaluated]},
        "policyDefinitionId": definition,
        "policyDefinitionName": ids.last_segment(definition),
        "policyDefinitionEffect": "Deny",
        "policyAssignmentId": assignment,
        "policyAssignmentName": ids.last_segment(assignment),
        "policyAssignmentDisplayName": denial.display_name,
        "policyAssignmentScope": denial.scope,
        "policyAssignmentParameters": {},
    }
    return ArmError(
        403,
        "RequestDisallowedByPolicy",
        f"Resource '{name}' was disallowed by policy. Policy identifiers: "
        f"'{json.dumps(identifiers, separators=(',', ':'))}'.",
        target=name,
        additional_info=[{"type": "PolicyViolation", "info": violation}],
    )
