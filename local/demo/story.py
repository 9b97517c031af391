"""What the demo does to the app: events, one of them twice, a PUT, and a tag during a run."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from local.demo.progress import Progress
from local.demo.show import Show
from local.estates import Estate, Request, item
from local.stack import Stack, protection

_EVERY = 0.25
_REGION_PAIR_READY = "Enabling protection"


class Story:
    """Runs until every step is done and no VM has a run in progress."""

    def __init__(self, stack: Stack, estate: Estate, shown: Show) -> None:
        self.progress = Progress(estate.expectations)
        self._stack = stack
        self._estate = estate
        self._shown = shown

    async def tell(self) -> None:
        await self._stack.subscribe()
        await self._stack.sim("POST", "estate", {**self._stack.estate, "announce": True})
        self._shown.say(f"One event for each of {len(self.progress.vms)} VMs.")
        happenings = asyncio.create_task(self._happen())
        try:
            while True:
                # A read that begins now shows what has happened by now; an earlier one may not.
                happened = happenings.done()
                await self._look()
                if happened and self.progress.at_rest:
                    break
                await asyncio.sleep(_EVERY)
            happenings.result()
        finally:
            happenings.cancel()

    async def compare(self) -> None:
        """Reads the settings of the items from the vaults: the tags alone prove nothing."""
        for vault in self._estate.data["vaults"]:
            policies = {policy["id"].lower(): policy for policy in await self._in(vault, "replicationPolicies")}
            for found in await self._in(vault, "replicationProtectedItems"):
                if found["properties"]["protectionState"] == "Protected":
                    policy = policies[found["properties"]["policyId"].lower()]
                    self.progress.vms[item.vm_of(found)].got = item.settings_of(found, policy)

    async def _in(self, vault: dict[str, Any], kind: str) -> list[dict[str, Any]]:
        found = await self._stack.arm("GET", f"{vault['id']}/{kind}", "2025-08-01")
        return list(found["value"])

    async def _look(self) -> None:
        changed = self.progress.update(await self._stack.instances(), self._shown.elapsed)
        self._shown.update(self.progress, changed)

    async def _happen(self) -> None:
        if self._estate.deliver_twice:
            await self._deliver_twice(self._estate.deliver_twice)
        await self._delivered()
        if self._estate.put:
            await self._put(self._estate.put)
        if self._estate.tag_while_running:
            await self._until(self._is_time_to_tag)
            await self._tag(self._estate.tag_while_running)

    async def _deliver_twice(self, vm: str) -> None:
        await self._stack.subscribe(duplicates=1)
        await self._stack.tag(vm, dr="true")
        self._shown.say(f"{_name(vm)} is tagged once more, and the event of that comes twice.")
        await self._stack.subscribe()

    async def _put(self, put: Request) -> None:
        self.progress.hold(put.vm, self._shown.elapsed)
        status, _ = await self._stack.api("PUT", protection(put.vm), put.body)
        self._shown.say(f"PUT {json.dumps(put.body)} for {_name(put.vm)}: {status}.")
        await self._delivered()
        self.progress.release(put.vm)

    async def _tag(self, vm: str) -> None:
        self.progress.hold(vm, self._shown.elapsed)
        await self._stack.tag(vm, dr="true")
        self._shown.say(f"{_name(vm)} is tagged while the others are under way.")
        await self._delivered()
        self.progress.release(vm)

    async def _is_time_to_tag(self) -> bool:
        """Whether the VM's first run has ended, and the region pair is ready."""
        late = self.progress.vms[self._estate.tag_while_running.lower()]
        under_way = any(vm.step.startswith(_REGION_PAIR_READY) for vm in self.progress.vms.values())
        return late.ended is not None and (under_way or self.progress.at_rest)

    async def _delivered(self) -> None:
        """The app starts a VM's run before it answers the event: after this, the host knows of every run."""

        async def nothing_pending() -> bool:
            return not (await self._stack.sim("GET", "events"))["pending"]

        await self._until(nothing_pending)

    async def _until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        while not await condition():  # noqa: ASYNC110 - it happens in other processes
            await asyncio.sleep(_EVERY)


def _name(vm: str) -> str:
    return vm.rsplit("/", 1)[-1]
