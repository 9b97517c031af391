"""Derives the target settings of a VM: one rule per setting, with value, origin and reason.

The defaults are those of the portal's "Enable replication" page, with two differences that make every name a function
of one source resource alone, so that VMs sharing a resource lead to one target: a network's target lies in the
counterpart of the network's own resource group, and the cache account is shared by subscription and region.
"""

from collections.abc import Iterator

from shared.config.profiles import PRIORITY
from shared.config.settings import Settings
from shared.model.findings import Finding, Severity
from shared.model.plan import DEFAULT_ORIGIN, Plan
from shared.model.policy import Policy
from shared.model.replicated_item import ProtectedItem
from shared.model.replication import Replication
from shared.model.resource_id import ResourceId
from shared.model.target_resources import ResourceGroup, VirtualNetwork
from shared.model.vm import PlanningContext, SourceVm
from shared.planning import claims, network, placement, preflight, size_support, storage, target_groups, vm_support
from shared.planning.builder import PlanBuilder, origin_of
from shared.planning.catalog import on_protected
from shared.planning.costs import cost_of
from shared.planning.dependency_waves import Waves, waves
from shared.planning.exclusion import without_excluded
from shared.planning.overrides import Overrides


def derive(
    vm: SourceVm,
    context: PlanningContext,
    overrides: Overrides,
    settings: Settings,
    vault: ResourceId,
    item: ProtectedItem | None = None,
) -> Plan:
    """The plan for a VM. With a blocker among its findings it holds no replication and no resources; so it does for a
    protected VM with what would be a blocker of another.

    For a VM that `item` protects it holds the requested replication, and no resources: what differs is
    for `reconcile/diff.py` to say.
    """
    d = PlanBuilder(vm, context, overrides, settings, item)
    placement.vault(d, vault)
    location = placement.location(vm, overrides, settings, context.vault_location, item)
    d.record(location.name, location.value, location.reason, location.origin)
    if item is None:
        placement.check_location(d, vault)
    group = placement.group(d)
    networks = network.networks(d)
    availability_set, zone = placement.availability(d, group)
    placement_group, name = placement.placement_group(d), placement.name(d)
    cache_account, high_churn = storage.cache(d)
    disks = storage.disks(d, zone, high_churn=high_churn)
    size = size_support.size(d, zone, disks)
    storage.target_accounts(d)
    others = placement.named(d)
    placement.check_scale_set(d, others["scale_set"], availability_set, zone)
    policy = overrides.policy
    priority = overrides.priority
    by_default = priority.origin == DEFAULT_ORIGIN
    reason = "the default" if by_default else f"requested by the {priority.origin}"
    d.record(PRIORITY, priority.value, reason, priority.origin)
    replication = Replication(
        vault=vault,
        source_location=vm.location,
        target_location=location.value,
        target_group=group,
        cache_account=cache_account,
        policy=policy,
        disks=disks,
        availability_set=availability_set,
        zone=zone,
        placement_group=placement_group,
        **others,
        consistency_group=placement.consistency_group(d),
        high_churn=high_churn,
        network=networks.sent,
        subnet=networks.subnet,
        size=size,
        name=name,
        nics=networks.nics,
    )
    if context.target_vm:
        d.findings.append(placement.name_taken(vm, context.target_vm, settings))
    shared = tuple(claims.findings(vm, context.claims, settings))
    # What two items have already blocks neither: one of the two may be changed in place.
    is_new = placement.target_vm(vm, overrides, context.target_location, item)
    d.findings += shared if is_new else on_protected(shared)
    _record_policy(d, policy)
    placement.check_subscription(d, replication, networks.leads_to.values())
    resources = waves(d, replication, networks)
    findings = [*overrides.findings, *overrides.judge(d.findings)]
    if item is None:
        findings += [
            *overrides.judge((*vm_support.of_vm(without_excluded(vm, overrides)), *preflight.of_context(vm, context))),
            *overrides.judge(preflight.of_disk_limit(vm, context, len(disks))),
            *preflight.of_scale_set(vm, context.scale_set, others["scale_set"], settings.tag_name),
            *preflight.of_locks(vm, context.locks, replication, _networks_to_make(resources, context)),
            *target_groups.not_in_scope(_groups(resources), settings),
            *_same_names(resources, settings),
        ]
    plan = Plan(
        vm=vm,
        profile=overrides.profile_name,
        findings=tuple(dict.fromkeys(on_protected(findings) if item else findings)),
        settings=tuple(d.settings),
        cost=cost_of(_sizes(vm, replication), settings.prices),
        writes_disabled=settings.writes_disabled,
    )
    if any(finding.severity is Severity.BLOCKER for finding in findings):
        return plan
    if item:
        return plan.model_copy(update={"replication": replication, "unfit_disks": tuple(sorted(d.unfit))})
    named = tuple(dict.fromkeys(d.named))
    return plan.model_copy(update={"replication": replication, "resources": resources, "named": named})


def _record_policy(d: PlanBuilder, policy: Policy) -> None:
    name, given = d.overrides.profile_name, d.overrides.profile.model_fields_set
    points = f"{policy.app_consistent_minutes // 60} h" if policy.app_consistent_minutes else "off"
    of_retention, of_points = {"recovery_point_retention_hours"}, {"app_consistent_frequency_hours"}
    for setting, value, fields, reason in (
        (
            "replicationPolicy",
            policy.name,
            of_retention | of_points | {"policy_name"},
            d.by_template("policy", "its values", "named by its values"),
        ),
        ("recoveryPointRetention", f"{policy.retention_minutes // 60} h", of_retention, "the default of the portal"),
        (
            "appConsistentFrequency",
            points,
            of_points,
            "an older default of the portal: its 24-hour-retention-policy takes none today",
        ),
    ):
        if given & fields:
            d.record(setting, value, f"requested by the profile {name}", f"profile {name}")
        else:
            d.record(setting, value, reason, origin_of(reason))
    d.record("crashConsistentFrequency", f"{policy.crash_consistent_minutes} min", "fixed by Site Recovery")
    agents = d.app.agent_automation_account
    reason = "DR_AGENT_AUTOMATION_ACCOUNT" if agents else "DR_AGENT_AUTOMATION_ACCOUNT names no account"
    d.record("agentUpdate", agents or "off", reason, "settings" if agents else DEFAULT_ORIGIN)


def _sizes(vm: SourceVm, replication: Replication) -> Iterator[tuple[str, int | None]]:
    sizes = {disk.id: disk.size_gb for disk in vm.disks}
    for disk in replication.disks:
        yield disk.replica_sku, sizes[disk.id]


def _networks_to_make(resources: Waves, context: PlanningContext) -> tuple[ResourceId, ...]:
    there = {network.id for network in context.target_networks}
    networks = (each for wave in resources for each in wave if isinstance(each, VirtualNetwork))
    return tuple(network.id for network in networks if network.id not in there)


def _same_names(resources: Waves, settings: Settings) -> Iterator[Finding]:
    groups = list(_groups(resources))
    of_cache = {each.id for each in groups if each.for_cache}
    return placement.group_not_unique((each.id for each in groups if not each.for_cache), of_cache, settings)


def _groups(resources: Waves) -> Iterator[ResourceGroup]:
    return (each for wave in resources for each in wave if isinstance(each, ResourceGroup))
