"""Switches between variants of Azure's behaviour that no source settles: a client must work with each of them."""

from dataclasses import dataclass, fields
from typing import Any

from local.simulator.wire import Json

_WIRE = {
    "items_hidden_while_enabling": "itemsHiddenWhileEnabling",
    "items_left_when_enable_fails": "itemsLeftWhenEnableFails",
    "infrastructure_hidden_while_creating": "infrastructureHiddenWhileCreating",
    "re_enable": "reEnable",
    "second_fabric": "secondFabric",
    "repeated_write": "repeatedWrite",
    "omitted_in_update": "omittedInUpdate",
    "zone_in_update": "zoneInUpdate",
    "page_size": "pageSize",
    "graph_lag_seconds": "graphLagSeconds",
    "vault_lists_lag_seconds": "vaultListsLagSeconds",
    "replicas_left_when_disabled": "replicasLeftWhenDisabled",
    "seed_disks_left": "seedDisksLeft",
    "latency_seed": "latencySeed",
    "test_failover_state": "testFailoverState",
    "test_failover_refusal": "testFailoverRefusal",
    "failed_test_failover": "failedTestFailover",
    "job_placeholders": "jobPlaceholders",
    "recovery_points_order": "recoveryPointsOrder",
    "plan_test_failover": "planTestFailover",
    "cleanup_of_plan_members": "cleanupOfPlanMembers",
}
_CHOICES = {
    "re_enable": ("fail", "conflict", "succeed"),
    "second_fabric": ("fail", "conflict"),
    "repeated_write": ("succeed", "conflict"),
    "omitted_in_update": ("keep", "clear"),
    "zone_in_update": ("fail", "succeed"),
    "test_failover_state": ("WaitingForCompletion", "WaitingForCleanup"),
    "test_failover_refusal": ("error", "job"),
    "failed_test_failover": ("cleanup", "left", "removed"),
    "job_placeholders": ("recorded", "always", "never"),
    "recovery_points_order": ("oldest first", "unsorted"),
    "plan_test_failover": ("succeeds", "suspends"),
    "cleanup_of_plan_members": ("refused", "allowed"),
}


@dataclass(slots=True)
class Behaviour:
    """The switches of `PATCH /sim/behaviour`; README.md says what each variant does."""

    items_hidden_while_enabling: bool = False
    items_left_when_enable_fails: bool = True
    infrastructure_hidden_while_creating: bool = True
    re_enable: str = "fail"
    second_fabric: str = "fail"
    repeated_write: str = "succeed"
    omitted_in_update: str = "keep"
    zone_in_update: str = "fail"
    page_size: int = 1000
    graph_lag_seconds: int = 0
    vault_lists_lag_seconds: int = 0
    replicas_left_when_disabled: bool = False
    seed_disks_left: bool = False
    latency_seed: int = 0
    test_failover_state: str = "WaitingForCompletion"
    test_failover_refusal: str = "error"
    failed_test_failover: str = "cleanup"
    job_placeholders: str = "recorded"
    recovery_points_order: str = "oldest first"
    plan_test_failover: str = "succeeds"
    cleanup_of_plan_members: str = "refused"

    def patch(self, changes: Any) -> None:
        """Raises ValueError for an unknown name or value, and then changes nothing."""
        if not isinstance(changes, dict):
            raise ValueError("behaviour must be an object")
        names = {wire: name for name, wire in _WIRE.items()}
        for wire, value in changes.items():
            if wire not in names:
                raise ValueError(f"unknown behaviour {wire!r}; there are {', '.join(sorted(names))}")
            self._check(wire, names[wire], value)
        for wire, value in changes.items():
            setattr(self, names[wire], value)

    def _check(self, wire: str, name: str, value: Any) -> None:
        if name in _CHOICES:
            if value not in _CHOICES[name]:
                raise ValueError(f"{wire} must be one of {', '.join(_CHOICES[name])}")
        elif type(value) is not type(getattr(self, name)):
            raise ValueError(f"{wire} must be {type(getattr(self, name)).__name__}")
        elif name == "page_size" and value < 1:
            raise ValueError("pageSize must be at least 1")
        elif name.endswith("_lag_seconds") and value < 0:
            raise ValueError(f"{wire} must be at least 0")

    def body(self) -> Json:
        return {_WIRE[field.name]: getattr(self, field.name) for field in fields(self)}
