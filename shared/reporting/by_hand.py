"""The page for the day on which nothing else answers: each protected VM, and how to bring it up by hand. Pure."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.model.replicated_item import ItemNic, ProtectedItem
from shared.reporting.html import Part, element, page, pre, table

PAGE = "index.html"

_VERSION = "2025-08-01"

_STEPS = """\
Decide for the VMs that belong together: those with one consistency group fail over together, by a recovery plan.
If the source still runs, stop the VM there, so that not two of it answer.
Start the failover, with the role Site Recovery Operator on the vault: in the portal by the vault, Replicated items, \
the VM, Failover; or by the command below.
See that the VM runs in the target resource group, with the size, network and addresses below.
Change what points to its old address: DNS, load balancers, firewalls.
When it works: Commit in the portal. Until then another recovery point can be chosen.
Leave the VM's tags as they are. This app does nothing with it until somebody has reprotected it or disabled its \
replication.""".splitlines()

_BODY = json.dumps(
    {
        "properties": {
            "failoverDirection": "PrimaryToRecovery",
            "sourceSiteOperations": "NotRequired",
            "providerSpecificDetails": {"instanceType": "A2A"},
        }
    }
)


def by_hand(items: Iterable[ProtectedItem], read_at: datetime, arm_endpoint: str) -> Iterator[str]:
    """The page, piece by piece. It is as old as the sweep that has written it, and says so."""
    return page("Bringing up the protected VMs by hand", _parts(items, read_at, arm_endpoint))


def _parts(items: Iterable[ProtectedItem], read_at: datetime, arm_endpoint: str) -> Iterator[Part]:
    ordered = sorted(items, key=lambda item: item.source.key)
    yield element("p", f"{len(ordered)} replicated VMs, as Site Recovery listed them at {read_at:%Y-%m-%d %H:%M} UTC.")
    yield f"<ol>{''.join(element('li', step) for step in _STEPS)}</ol>"
    heads = ("VM", "state", "recovery point", "vault and item", "target", "network and addresses", "disks")
    yield table(heads, map(_row, ordered))
    yield element("h2", "Commands")
    yield element("p", "For bash, with the az CLI; each starts the failover of one VM.")
    yield pre(
        f"# {item.source}\naz rest --method post --body '{_BODY}' "
        f"--url '{arm_endpoint}{item.id}/unplannedFailover?api-version={_VERSION}'"
        for item in ordered
    )


def _row(item: ProtectedItem) -> tuple[str, ...]:
    settings = item.settings
    rpo = f"{item.rpo_seconds} s" if item.rpo_seconds is not None else "not known"
    at = f", calculated {item.rpo_at:%Y-%m-%d %H:%M} UTC" if item.rpo_at else ""
    target = {
        "region": settings.target_location,
        "group": settings.target_group,
        "name": settings.name or item.source.name,
        "size": settings.size,
        "zone": settings.zone,
        "availability set": settings.availability_set,
        "scale set": settings.scale_set,
        "placement group": settings.placement_group,
        "capacity reservation": settings.capacity_reservation,
        "consistency group": settings.consistency_group,
    }
    return (
        str(item.source),
        item.state_description or item.state,
        f"{rpo}{at}",
        str(item.id),
        _lines(target.items()),
        "\n\n".join([_lines([("network", settings.network)]), *map(_nic, item.nics)]).strip(),
        "\n".join(str(disk.id) for disk in item.disks),
    )


def _nic(nic: ItemNic) -> str:
    return _lines(
        [
            ("interface", nic.source.name),
            ("network", nic.network),
            ("subnet", nic.target_subnet),
            ("address", nic.target_address or "any"),
            ("security group", nic.security_group),
            ("public address", nic.public_ip),
            *(("backend pool", pool) for pool in nic.backend_pools),
        ]
    )


def _lines(facts: Iterable[tuple[str, object]]) -> str:
    return "\n".join(f"{name}: {fact}" for name, fact in facts if fact)
