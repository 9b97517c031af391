"""A plan: every derived setting with its origin and reason, the action for each resource, and the findings."""

from collections.abc import Iterable
from typing import Literal

from shared.model.base import Model
from shared.model.changes import Changes
from shared.model.cost import Cost
from shared.model.findings import Finding, Severity
from shared.model.replication import Replication
from shared.model.resource_id import ResourceId
from shared.model.target_resources import TargetResource
from shared.model.vm import SourceVm

DEFAULT_ORIGIN, ITEM_ORIGIN = "default", "replicated item"


class Setting(Model):
    """A derived setting: `origin` names the layer of its value, `reason` why it has this value."""

    name: str
    value: str
    origin: str
    reason: str


def origins_of(settings: Iterable[Setting]) -> tuple[str, ...]:
    """The layers that requested a setting, each once, in order."""
    requested = (setting.origin for setting in settings if setting.origin not in {DEFAULT_ORIGIN, ITEM_ORIGIN})
    return tuple(dict.fromkeys(requested))


class ResourcePreview(Model):
    """The action for a resource: `create` it with this name, `reuse` the one with this ID, or `change in place` as
    described in `detail`."""

    kind: str
    action: Literal["create", "reuse", "change in place"]
    name: str
    detail: str = ""


class Plan(Model):
    """The plan that follows from a VM, its context and the settings.

    `resources` are waves: what a wave holds is independent of each other and rests only on earlier waves. `named` are
    existing ones that an override or a mapping names. `writes_disabled` says why the app may not act on
    the plan now, if so. For a VM that is protected, `changes` holds what differs; `unfit_disks` cannot be replicated.
    """

    vm: SourceVm
    profile: str = ""
    findings: tuple[Finding, ...] = ()
    settings: tuple[Setting, ...] = ()
    replication: Replication | None = None
    resources: tuple[tuple[TargetResource, ...], ...] = ()
    named: tuple[ResourcePreview, ...] = ()
    changes: Changes = Changes()
    unfit_disks: tuple[ResourceId, ...] = ()
    cost: Cost | None = None
    writes_disabled: str = ""

    @property
    def blockers(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKER)
