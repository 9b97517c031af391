"""What the chaos test is made of: an estate of two deployments, the faults of a round, tags that flap, and the log of
what each deployment wrote."""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.simulator.identity import object_id
from local.stack import Stack
from tests import estates, fork_server
from tests.e2e.follow import is_write

Json = dict[str, Any]

OTHER = "22222222-2222-4222-8222-222222222222"
"""The subscription in which read rights are lost; a third of the VMs is in it."""
THEIRS = estates.GROUP.replace("/app", "/theirs")
THEIR_NETWORK = estates.resource_id("Microsoft.Network/virtualNetworks", "theirs", THEIRS)
THEIR_CACHE = estates.resource_id("Microsoft.Storage/storageAccounts", "theircache", THEIRS)
FOREIGN_GROUPS = (THEIRS, f"{estates.GROUP}-asr")
"""Groups of others, in which there is more of theirs; one has the name of a target group."""
TAGS = ("dr", "twice")
"""The tag of each deployment."""
FORGED = {"dr-made-by": f"azure-vm-dr-autoprotect/{TAGS[0]}", "dr-made-at": "2026-01-01T00:00:00Z"}
CLIENT = "00000000-0000-0000-0000-00000000cafe"
"""The identity of the second deployment."""
BY_HAND, UNOWNED = "by hand", "unowned"
SWEEP = "reconcile"
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
SPEED = 120
"""An hour of Azure in half a minute: two cores keep up with two hundred runs."""
SETTINGS = {"DR_MODE": "cleanup", "DR_UNTAG_GRACE_HOURS": "0.003", "DR_MAX_DISABLE_PERCENT_PER_DAY": "20"}
"""The grace is eleven seconds."""


@dataclass(frozen=True)
class Machine:
    """A VM; `owner` is the tag of the deployment that it belongs to, BY_HAND if a person protects it, or UNOWNED."""

    id: str
    owner: str

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[1]


def machines(count: int) -> list[Machine]:
    """One in twenty is protected by hand, one is unowned, the others to the two deployments by turns."""
    special = {0: BY_HAND, 1: UNOWNED}
    return [
        Machine(
            estates.vm_id(f"web-{number:03}").replace(estates.SUBSCRIPTION, _subscription(number)),
            special.get(number % 20, TAGS[number // 3 % 2]),
        )
        for number in range(count)
    ]


def _subscription(number: int) -> str:
    return OTHER if number % 3 == 0 and number % 20 else estates.SUBSCRIPTION


def estate(vms: list[Machine]) -> Json:
    """Nothing but what is protected by hand is protected yet. In the target's groups there is what others own."""
    network = estates.network_id("vnet-app")
    bodies = []
    for vm in vms:
        nic = {"name": f"{vm.name}-nic", "subnet": f"{network}/subnets/web"}
        body = estates.vm(vm.name, nics=[nic]) | {"tags": {vm.owner: "true"} if vm.owner in TAGS else {}}
        bodies.append(_in_subscription(body, vm.id.split("/")[2]) | {"id": vm.id})
    wide = {"subnets": [{"name": "web", "prefix": "10.1.0.0/17"}]}
    made = estates.estate(bodies, networks=())
    made["subscriptions"].append({"id": OTHER, "name": "Shop"})
    made["resourceGroups"] = [{"id": each, "location": estates.TARGET, "tags": FORGED} for each in FOREIGN_GROUPS]
    made["networks"] = [
        estates.network(1, "vnet-app") | wide,
        _in_subscription(estates.network(1, "vnet-app") | wide, OTHER),
        *(estates.network(2, "theirs", estates.TARGET, group) | {"tags": FORGED} for group in FOREIGN_GROUPS),
    ]
    made["storageAccounts"] = [
        {"id": account, "location": estates.SOURCE, "tags": FORGED} for account in (THEIR_CACHE, f"{THEIR_CACHE}old")
    ]
    made["availabilitySets"] = [
        {"id": estates.resource_id("Microsoft.Compute/availabilitySets", "theirs", group), "location": estates.TARGET}
        | {"tags": FORGED}
        for group in FOREIGN_GROUPS
    ]
    items = [
        {
            "name": f"by-hand-{vm.name}",
            "virtualMachine": vm.id,
            "recoveryResourceGroup": THEIRS,
            "cacheStorageAccount": THEIR_CACHE,
            "recoveryNetwork": THEIR_NETWORK,
        }
        for vm in vms
        if vm.owner == BY_HAND
    ]
    made["siteRecovery"] = [estates.site_recovery(items=items)]
    return made


def _in_subscription(body: Json, subscription: str) -> Json:
    moved: Json = json.loads(json.dumps(body).replace(estates.SUBSCRIPTION, subscription))
    return moved


class Deployment(Stack):
    """One deployment of the app; every one but the first works on the simulator of the first, as another principal."""

    def __init__(self, folder: Path, estate: Json, tag: str, first: "Deployment | None" = None) -> None:
        own = {"DR_TAG_NAME": tag, "DR_DEPLOYMENT": tag} | ({"AZURE_CLIENT_ID": CLIENT} if first else {})
        super().__init__(folder, estate, speed=SPEED, settings=SETTINGS | own, spawn=fork_server.spawn)
        self._first, self.tag_name = first, tag

    @property
    def principal(self) -> str:
        return object_id(CLIENT) if self._first else str(self.ready("simulator")["principalId"])

    def ready(self, name: str) -> Json:
        return self._first.ready(name) if self._first and name == "simulator" else super().ready(name)

    async def start_simulator(self) -> None:
        if self._first:
            self.connect()
        else:
            await super().start_simulator()

    async def restart(self, **settings: str) -> None:
        """Kills the host, and starts it with further settings."""
        await self.kill_host()
        self.settings |= settings
        await self.start_host()

    async def last_sweep(self) -> Json | None:
        """The instance of the last one."""
        return next((each for each in await self.instances() if each["instanceId"] == SWEEP), None)

    async def swept(self, last: Json | None) -> bool:
        """Whether a sweep after `last` has ended. Starts one unless one runs."""
        sweep = await self.last_sweep()
        if sweep is None or sweep == last:
            await self.run_timer(SWEEP)
            return False
        return bool(sweep["runtimeStatus"] == "Completed")

    async def quiet(self) -> bool:
        """Whether no run is in progress."""
        return all(each["runtimeStatus"] not in {"Pending", "Running"} for each in await self.instances())


@dataclass(frozen=True)
class Write:
    """A write that a deployment sent, and that Azure accepted: `by` is its principal."""

    method: str
    path: str
    by: str
    time: datetime
    body: Any


class WriteLog:
    """What was written so far, read from the simulator's log piece by piece: that keeps the last 100,000 requests."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.last = 0
        self.writes: list[Write] = []

    async def read(self) -> int:
        """Reads on. Returns the number of the last request."""
        for request in await self._stack.app_requests(self.last):
            self.last = request["n"]
            if is_write(request) and 0 < request["status"] < 400:
                at = datetime.fromisoformat(request["time"])
                path = request["path"].lower()
                self.writes.append(Write(request["method"], path, request["principal"], at, request["requestBody"]))
        return self.last


class Tags:
    """The tags of the VMs as they flap, and what they were at each time."""

    def __init__(self, stack: Stack, vms: Iterable[Machine], chance: random.Random) -> None:
        self._stack, self._chance = stack, chance
        self._vms = [vm for vm in vms if vm.owner in TAGS]
        self.history: dict[str, list[tuple[datetime, str]]] = {vm.id: [(_BEGINNING, "true")] for vm in self._vms}

    def value(self, vm: Machine) -> str:
        """The value of its deployment's tag, or "" without the tag."""
        return self.history[vm.id][-1][1]

    def untagged(self, vm: Machine, since: datetime, until: datetime) -> bool:
        """Whether it was without the tag at a time between these."""
        entries = self.history[vm.id]
        ends = [*(at for at, _ in entries[1:]), datetime.max.replace(tzinfo=UTC)]
        return any(not value and at <= until and end >= since for (at, value), end in zip(entries, ends, strict=True))

    async def flap(self) -> None:
        """What is wrong is put right for half of the VMs where it is; a tenth of the others gets a typo or loses the
        tag."""
        wrong = [vm for vm in self._vms if self.value(vm) != "true"]
        right = [vm for vm in self._vms if self.value(vm) == "true"]
        for vm in self._chance.sample(wrong, len(wrong) // 2):
            await self._set(vm, "true")
        for vm in self._chance.sample(right, len(right) // 10):
            await self._set(vm, self._chance.choice(("ture", "")))

    async def _set(self, vm: Machine, value: str) -> None:
        operation = "Merge" if value else "Delete"
        tags = {vm.owner: value or self.value(vm)}
        body = {"operation": operation, "properties": {"tags": tags}}
        await self._stack.arm("PATCH", f"{vm.id}/providers/Microsoft.Resources/tags/default", "2025-04-01", body)
        self.history[vm.id].append((datetime.now(UTC), value))


_ANY = "^(?!.*/tags/default$)"
"""Every call but the test's own writes of tags."""
_ITEMS, _JOBS, _ROWS = "/replicationProtectedItems$", "/replicationJobs$", "/Microsoft.ResourceGraph/resources$"
_VM = "/virtualMachines/[^/]+$"
_FIELDS = {
    _ITEMS: (
        *("value", "value[N]", "value[N].id", "value[N].name", "value[N].properties"),
        *("value[N].properties.protectionState", "value[N].properties.providerSpecificDetails"),
        *("value[N].properties.policyId", "value[N].properties.providerSpecificDetails.fabricObjectId"),
    ),
    _JOBS: ("value", "value[N]", "value[N].properties", "value[N].properties.state", "value[N].properties.startTime"),
    _ROWS: ("data", "data[N]", "data[N].id", "data[N].name", "data[N].location", "data[N].properties"),
    _VM: ("id", "location", "properties", "properties.storageProfile", "properties.networkProfile"),
}
"""Fields that may be null, by the calls whose answer has them."""
_ENUMS = {
    _ITEMS: tuple(
        f"value[N].properties.{name}"
        for name in ("protectionState", "replicationHealth", "activeLocation", "providerSpecificDetails.instanceType")
    ),
    _JOBS: ("value[N].properties.state", "value[N].properties.scenarioName"),
    _ROWS: ("data[N].properties.provisioningState", "data[N].properties.extended.instanceView.powerState.code"),
    _VM: ("properties.provisioningState", "properties.storageProfile.osDisk.osType"),
}


def faults(chance: random.Random, rows: int) -> list[Json]:
    """The faults of a round: a tenth of all calls is throttled, reset, answered with HTML or not answered at all, and a
    tenth of what Azure answers about VMs, items and jobs has a null or an unknown value, in one row."""
    html = {"body": "<html>Service Unavailable</html>", "headers": {"Content-Type": "text/html"}}
    rules: list[Json] = [
        {"match": {"path": path}, "kind": "mutate", "set": {name.replace("N", str(chance.randrange(rows))): value}}
        for fields, value in ((_FIELDS, None), (_ENUMS, "Levitating"))
        for path, names in fields.items()
        for name in [chance.choice(names)]
    ]
    rules = [rule | {"probability": 0.05} for rule in rules]
    for kind in ({"kind": "throttle", "retryAfter": 0.2}, {"kind": "reset"}, {"kind": "lost-response"}):
        rules.append({"match": {"path": _ANY}, "probability": 0.025, **kind})
    rules.append({"match": {"path": _ANY, "method": "GET"}, "probability": 0.025, "kind": "mutate", **html})
    return [rule | {"seed": chance.randrange(2**32)} for rule in rules]


def item_of(path: str) -> str:
    """The name of the replicated item that a write of `path` enables, changes or disables, else ""."""
    _, found, rest = path.partition("/replicationprotecteditems/")
    return rest.split("/")[0] if found else ""
