"""A plan: every derived value with where it came from and why, what would become of each resource, and the findings."""

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
    """One derived value: `origin` names the layer it came from, `reason` says why it is this one."""

    name: str
    value: str
    origin: str
    reason: str


def origins_of(settings: Iterable[Setting]) -> tuple[str, ...]:
    """The layers that asked for something, each once, in order."""
    requested = (setting.origin for setting in settings if setting.origin not in {DEFAULT_ORIGIN, ITEM_ORIGIN})
    return tuple(dict.fromkeys(requested))


class ResourcePreview(Model):
    """What a plan would do about a target resource: `create` it under this name, `reuse` the one with this ID, or
    `change in place` what the item has, as `detail` says."""

    kind: str
    action: Literal["create", "reuse", "change in place"]
    name: str
    detail: str = ""


class Plan(Model):
    """Everything that follows from a VM, its surroundings and the settings.

    `resources` are waves: what a wave holds is independent of each other and rests only on earlier waves. `named` are
    existing ones that somebody asks for, or that a mapping leads to. `writes_disabled` says why the app may not act on
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
