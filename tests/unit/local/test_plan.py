"""A plan of the app, as the demo shows it."""

import io
from typing import Any

from rich.console import Console

from local.demo import plan

COST = {"currency": "EUR", "month": 36.6, "instance": 25.0, "disks": 11.6, "cache": 0.0, "unpriced": ["cache"]}
GROUP = "/subscriptions/s/resourceGroups/app-asr"


def _setting(name: str, value: str = "x") -> dict[str, str]:
    return {"name": name, "value": value, "origin": "default", "reason": "so it is"}


def _shown(width: int = 140, **reported: Any) -> list[list[str]]:
    console = Console(width=width, file=io.StringIO())
    nothing: dict[str, Any] = {"settings": [], "resources": [], "findings": [], "cost": None}
    console.print(plan.shown({**nothing, **reported}, "The plan"))
    return [line.split() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_a_value_is_shown_with_origin_and_reason_and_an_id_by_its_name() -> None:
    assert ["targetResourceGroup", "app-asr", "default", "so", "it", "is"] in _shown(
        settings=[_setting("targetResourceGroup", GROUP)]
    )


def test_interfaces_are_distinguished_where_there_are_several() -> None:
    settings = [_setting("targetIp/nic-1"), _setting("targetIp/nic-2"), _setting("targetDiskType/os")]

    names = [line[0] for line in _shown(settings=settings) if line]

    assert {"targetIp/nic-1", "targetIp/nic-2", "targetDiskType"} < set(names)


def test_resources_are_listed_by_what_becomes_of_them() -> None:
    resources = [
        {"action": "reuse", "kind": "fabric", "name": "east"},
        {"action": "create", "kind": "resource group", "name": GROUP},
        {"action": "create", "kind": "fabric", "name": "west"},
        {"action": "create", "kind": "fabric", "name": "north"},
    ]

    rows = [line for line in _shown(resources=resources) if line and line[0] in {"create", "reuse"}]

    assert rows == [
        ["create", "resource", "group", "app-asr"],
        ["create", "fabric", "west,", "north"],
        ["reuse", "fabric", "east"],
    ]


def test_findings_are_shown_as_they_are_written_and_the_cost_with_its_parts() -> None:
    finding = {"severity": "blocker", "code": "OnHold", "message": "It is on hold [red].", "fix": "Wait."}

    lines = [" ".join(line) for line in _shown(width=200, findings=[finding], cost=COST)]

    assert "blocker OnHold: It is on hold [red]. Wait." in lines
    assert (
        "36.60 EUR a month: instance 25.00, disks 11.60. The instance costs nothing for the first 31 days. \
Without a price in DR_PRICES: cache."
        in lines
    )


def test_on_a_narrow_terminal_nothing_is_cut_off() -> None:
    name = "72-hour-retention-1-hour-app-consistent-policy"

    lines = _shown(width=60, settings=[_setting("targetCapacityReservation", name) | {"origin": "", "reason": ""}])

    assert f"targetCapacityReservation{name}" in "".join(word for line in lines for word in line)
