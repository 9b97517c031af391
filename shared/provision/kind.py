"""What the app has to know about a kind of target resource, and the table of kinds: one class registers each."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from time import monotonic
from typing import Any, Generic, TypeVar

from shared.arm.client import Azure
from shared.arm.fields import created_at_of, incarnation_of, objects, part, region
from shared.arm.get_or_create import PendingCreate, UnderWayError, usually
from shared.config.intervals import FRESH_FOR
from shared.model import naming
from shared.model.origin import Origin
from shared.model.resource_id import ResourceId
from shared.model.resource_types import type_of
from shared.model.step_result import Error
from shared.model.target_resources import InVault, Placed
from shared.reconcile.orphans import ResourceUsage

Json = dict[str, Any]
R = TypeVar("R", bound=Placed | InVault)
P = TypeVar("P", bound=Placed)

SHOWN = 3
"""The most members of a resource that a text names."""


class IncompatibleResourceError(Exception):
    """A resource of that name exists and is incompatible. It was not changed."""


class Kind(ABC, Generic[R]):
    """How the resources of a kind are found and created. Its objects have no state."""

    takes: float = 0
    """Seconds that a creation took in recorded traffic."""

    @abstractmethod
    async def find(self, azure: Azure, wanted: R) -> ResourceId | None:
        """The resource if it exists, found by its natural key. Reads only.

        Raises HttpResponseError, IncompatibleResourceError, and UnderWayError during another operation on it.
        """

    @abstractmethod
    async def create(self, azure: Azure, wanted: R) -> PendingCreate | ResourceId:
        """Requests the creation. Returns the ID if it has completed.

        Raises HttpResponseError, WriteRefusedError, MissingParentError.
        """

    def forget(self, azure: Azure, wanted: R, if_before: float) -> None:
        """Invalidates the cached list that `find` reads, if there is one, unless its read began after `if_before`."""

    async def is_changed(self, azure: Azure, wanted: R) -> bool:  # noqa: ARG002
        """Whether `create` changes an existing resource in place: then `find` does not return it."""
        return False


class PlacedKind(Kind[P]):
    """A kind outside the vault. `usage` is read right before a resource is removed.

    Azure refuses to delete a network, a set or a placement group that something is in, and nothing else: a storage
    account is deleted with its data, a resource group with everything in it.
    """

    async def find(self, azure: Azure, wanted: P) -> ResourceId | None:
        if self._lies_in_new_group(azure, wanted.id):
            return None
        found = await azure.read(wanted.id, wanted.type.api_version, FRESH_FOR)
        if found is None:
            return None
        location, state = region(found.get("location")), state_of(found)
        if location != wanted.location:
            raise IncompatibleResourceError(
                f"{wanted.id} exists in {location}, and is needed in {wanted.location}: name another by a tag, or "
                "remove or rename it."
            )
        if state == "Failed":
            raise IncompatibleResourceError(
                f"The creation of {wanted.id} has failed: see its activity log, then remove it."
            )
        obstacle = self.obstacle(wanted, found)
        if obstacle:
            raise IncompatibleResourceError(f"{wanted.id} {obstacle}: fix it, or name another by a tag.")
        if state != "Succeeded":
            raise UnderWayError(f"{wanted.id} is {state}.")
        return wanted.id

    async def create(self, azure: Azure, wanted: P) -> PendingCreate | ResourceId:
        azure.check_write(wanted.id)
        origin = await azure.origins.intend(wanted.id, content=self.content(wanted))
        return await self.put(azure, wanted, origin, tags_of(azure, origin))

    async def put(self, azure: Azure, wanted: P, origin: Origin, tags: dict[str, str]) -> PendingCreate:
        """Sends the request that `origin` announces."""
        client, version = azure.resources(wanted.id.subscription).resources, wanted.type.api_version
        body = {"location": wanted.location, "tags": tags, **self.body(wanted)}
        answers: list[Any] = []
        send = client.begin_create_or_update_by_id
        await send(str(wanted.id), body, api_version=version, raw_response_hook=answers.append)
        status = answers[0].http_response.status_code
        azure.forget_resource(wanted.id)
        azure.made.add(wanted.id)

        async def progress() -> bool | Error:
            # The resource itself shows whether it is complete: now, not when another run last looked for it.
            azure.forget_resource(wanted.id)
            return True

        async def prove(found: ResourceId) -> None:
            body = await azure.read(found, version, FRESH_FOR)
            if body and origin.is_created_by(status, created_at_of(body)):
                await azure.origins.prove(origin, incarnation_of(body))

        return PendingCreate(usually(self.takes, azure.settings.poll_seconds), progress, prove)

    def _lies_in_new_group(self, azure: Azure, resource: ResourceId) -> bool:
        """Whether this process created the group a moment ago: nothing is in it but what was requested since."""
        new = monotonic() - azure.new_groups.get(resource.group_id, float("-inf")) < FRESH_FOR
        return new and resource not in azure.made

    async def usage(self, azure: Azure, resource: ResourceId) -> ResourceUsage | None:
        """The usage of the resource now, or None if it is gone. Raises HttpResponseError."""
        body = await azure.read(resource, type_of(resource).api_version, 0)
        if body is None:
            return None
        state = state_of(body)
        use = (f"it is {state}",) if state != "Succeeded" else await self.uses(azure, resource, body)
        incarnation, created_at = incarnation_of(body), created_at_of(body)
        content = self.content_of(resource, body)
        return ResourceUsage(resource, part(body, "tags"), use, content, incarnation, created_at)

    def body(self, _wanted: P) -> Json:
        """The body of the PUT, besides location and tags."""
        return {}

    def obstacle(self, _wanted: P, _found: Json) -> str:
        """Why the existing resource cannot serve, or ""."""
        return ""

    async def uses(self, _azure: Azure, _resource: ResourceId, body: Json) -> tuple[str, ...]:
        """What the existing resource contains or what uses it: for a removal. By default, its members."""
        properties = part(body, "properties")
        names = ("virtualMachines", "availabilitySets", "virtualMachineScaleSets")
        inside = [str(each.get("id")).rsplit("/", 1)[-1] for name in names for each in objects(properties, name)]
        return (f"{', '.join(inside[:SHOWN])} is in it",) if inside else ()

    def content(self, _wanted: P) -> str:
        """The digest of the parts that others may add to, or ""."""
        return ""

    def content_of(self, _resource: ResourceId, _body: Json) -> str:
        """The same of the existing resource."""
        return ""


def tags_of(azure: Azure, origin: Origin) -> dict[str, str]:
    """The tags of the settings, and those that name the deployment and the time of its intent."""
    made_by = {naming.MADE_BY: naming.maker(azure.settings.deployment)}
    return {**azure.settings.resource_tags, **made_by, naming.MADE_AT: origin.intended_at.isoformat()}


def state_of(body: Json) -> str:
    """The provisioning state; kinds that have none are complete."""
    return str(part(body, "properties").get("provisioningState") or "Succeeded")


KINDS: dict[type[Placed | InVault], Kind[Any]] = {}


def register(resource: type[Placed | InVault]) -> Callable[[type[Kind[Any]]], type[Kind[Any]]]:
    """Registers the class of a kind for the resources of that class."""

    def add(kind: type[Kind[Any]]) -> type[Kind[Any]]:
        KINDS[resource] = kind()
        return kind

    return add
