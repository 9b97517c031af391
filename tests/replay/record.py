"""Writes down parked instances as they are with the code of today: `python -m tests.replay.record`.

The histories are kept: they stand for the instances that wait in Azure while the app is deployed. Record a new one
beside them when a new way to wait is built; an old one is dropped only when no instance of that time can be left.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from local.host.durable.events import EventType
from shared.model.step_result import Ready
from tests.findings import blocker
from tests.replay.answers import (
    PLAN,
    SIZE,
    asked,
    enabled,
    found_item,
    job_failed,
    kept,
    looked,
    pending,
    planned,
    ready_region,
)
from tests.replay.instance import TELL, Answer, Instance
from tests.unit.app.examples import source_vm

HISTORIES = Path(__file__).parent / "histories"

_WAVE = PLAN.resources[0]
_STOPPED = blocker("VmNotRunning", "web-1 is deallocated.")
_BUSY = looked(vm=source_vm(provisioning_state="Creating"))
PARKED: dict[str, dict[str, Sequence[Answer]]] = {
    "settling": {"resolve_source": [_BUSY, found_item()], "derive_target_settings": [kept()]},
    "throttled": {"resolve_source": [pending(9000), found_item()], "derive_target_settings": [kept()]},
    "fault": {"resolve_source": [RuntimeError("a bug"), found_item()], "derive_target_settings": [kept()]},
    "targets": {
        "resolve_source": [looked(), found_item()],
        "derive_target_settings": [planned(), kept()],
        "create_target_resource": [pending(66) for _ in _WAVE]
        + [Ready() for _ in _WAVE]
        + [Ready() for wave in PLAN.resources[1:] for _ in wave],
    },
    "enabling": {
        "resolve_source": [looked(), found_item()],
        "derive_target_settings": [ready_region(), kept()],
        "enable_protection": [enabled("e099cf2d")],
        "monitor_job": [Ready()],
    },
    "failed-enable": {
        "resolve_source": [looked(), found_item()],
        "derive_target_settings": [ready_region(), kept()],
        "enable_protection": [enabled("e099cf2d")],
        "monitor_job": [job_failed()],
    },
    "changing": {
        "resolve_source": [found_item(), found_item()],
        "derive_target_settings": [kept(changes=SIZE), kept()],
        "change_protection": [asked("e099cf2d")],
        "monitor_job": [Ready()],
    },
    "publishing": {
        "resolve_source": [looked()],
        "derive_target_settings": [planned(findings=(_STOPPED,), replication=None, resources=())],
        TELL: [pending(30), Ready()],
    },
}


def record() -> None:
    """The state with which each instance began the generation of its last step, and its history while it waits.

    Only what is not recorded yet: a history stands for the version that wrote it.
    """
    for name, answers in PARKED.items():
        if (HISTORIES / f"{name}.json").exists():
            continue
        instance = Instance(answers)
        instance.run()
        waits = [state for state in instance.states if state.resume_at]
        state = next(state for state in waits if state.step == waits[-1].step)
        history = instance.histories[instance.states.index(state)]
        turn = [item["EventType"] for item in history].index(EventType.ORCHESTRATOR_COMPLETED) + 1
        parked = {"state": state.dump(), "history": history[:turn]}
        (HISTORIES / f"{name}.json").write_text(json.dumps(parked, indent=1) + "\n")


if __name__ == "__main__":
    record()
