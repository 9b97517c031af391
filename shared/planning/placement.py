"""The placement of the target VM: region, resource group, availability, name."""

from collections.abc import Container, Iterable, Iterator, Mapping

from shared.config.override_options import CHOICES
from shared.config.settings import Settings
from shared.model.findings import Finding
from shared.model.plan import DEFAULT_ORIGIN, ITEM_ORIGIN, Setting
from shared.model.replicated_item import ProtectedItem
from shared.model.replication import Replication, TargetSettings
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.values import NONE
from shared.model.vm import GroupMember, SourceVm
from shared.planning import storage
from shared.planning.builder import OF_ITEM, PlanBuilder
from shared.planning.catalog import OTHER_SUBSCRIPTION, finding_of
from shared.planning.overrides import Overrides
from shared.planning.references import target_group

LONGEST_WINDOWS_NAME = 15
MOST_IN_GROUP = 16


def vault(d: PlanBuilder, chosen: ResourceId) -> None:
    """Records the vault and its origin."""
    name, mapped = d.overrides.profile_name, d.app.region_map.get(d.vm.location)
    if d.item:
        origin, reason = ITEM_ORIGIN, "what protects the VM is in it"
    elif d.overrides.profile.vault:
        origin, reason = f"profile {name}", f"requested by the profile {name}"
    elif mapped and mapped.vault:
        origin, reason = "region map", f"DR_REGION_MAP says so for {d.vm.location}"
    else:
        origin, reason = "settings", "the one of DR_VAULT_IDS"
    d.record("vault", chosen, reason, origin)


def location(
    vm: SourceVm, overrides: Overrides, settings: Settings, vault_location: str, item: ProtectedItem | None = None
) -> Setting:
    """The target region: that of the override, else of the item, the region map, or the vault."""
    requested, mapped = overrides.requested.get("target-location"), settings.region_map.get(vm.location)
    if requested:
        value, origin, reason = requested.value, requested.origin, f"requested by the {requested.origin}"
    elif item:
        value, origin, reason = item.settings.target_location, ITEM_ORIGIN, OF_ITEM
    elif mapped and mapped.target_location:
        value, origin, reason = mapped.target_location, "region map", f"DR_REGION_MAP says so for {vm.location}"
    else:
        value, origin, reason = vault_location, DEFAULT_ORIGIN, "the region of the vault"
    return Setting(name="targetLocation", value=value, origin=origin, reason=reason)


def target_region(
    vm: SourceVm, overrides: Overrides, settings: Settings, vault_regions: Mapping[ResourceId, str]
) -> str:
    """The target region of a VM that is not protected, or "" if the region of its vault is not known."""
    vault = settings.vault_for(vm.location, overrides.profile)
    return location(vm, overrides, settings, vault_regions.get(vault, "") if vault else "").value


def check_location(d: PlanBuilder, vault: ResourceId) -> None:
    d.findings += of_regions(d.vm, d.context.target_location, vault, d.context.vault_location)
    if d.context.vault_group_location == d.vm.location != d.context.vault_location:
        message = f"The resource group {vault.resource_group} of the vault {vault.name} is in {d.vm.location}, the "
        message += "region of the VM: while that is down, Azure may not take writes of what is in the group."
        d.findings.append(finding_of("VaultGroupInSourceRegion", message))


def of_regions(vm: SourceVm, target: str, vault: ResourceId, of_vault: str) -> Iterator[Finding]:
    """Blockers about the regions of the VM, the target and the vault."""
    source = vm.location
    if of_vault == source:
        yield finding_of(
            "VaultInSourceRegion",
            f"The vault {vault.name} is in {source}, the region of the VM: it would be lost with it.",
        )
    elif target == source:
        yield finding_of(
            "TargetInSourceRegion",
            f"The target region of {vm.id.name} would be {source}, its own.",
        )
    elif target != of_vault:
        yield finding_of(
            "TargetNotVaultRegion",
            f"The target region is {target}, and the vault {vault.name} is in {of_vault}: if {of_vault} is down, "
            "a failover is not possible.",
        )


def _alike(member: GroupMember, vm: SourceVm) -> bool:
    return (member.id.subscription.lower(), member.location) == (vm.id.subscription.lower(), vm.location)


def group(d: PlanBuilder) -> ResourceId:
    default = d.names.group(d.vm.id)
    found = d.resource("target-resource-group", default, d.by_template("resource_group", "the VM's resource group"))
    there = d.existing(default)
    if found == default and there and there.location == d.vm.location != d.context.target_location:
        message = f"The target resource group {default} exists in {there.location}, the region of the VM."
        d.findings.append(finding_of("TargetGroupInSourceRegion", message, tag=d.app.tag_name))
    return found or target_group(d.vm, d.overrides, d.context.target_location)


def availability(d: PlanBuilder, group: ResourceId) -> tuple[ResourceId | None, str]:
    """The availability set and the zone: at most one of them. The set is in the resource group of the VM."""
    zone = d.text("target-zone", NONE, "no zone is requested")
    chosen = _availability_set(d, group, zone)
    if chosen and chosen.group_id != group:
        tag = "target-availability-set" if d.is_requested("target-availability-set") else "target-resource-group"
        if d.is_requested(tag):
            d.reject(tag, f"one where the VM and its availability set are together; {chosen} is not in {group}")
    return chosen, zone


def _availability_set(d: PlanBuilder, group: ResourceId, zone: str) -> ResourceId | None:
    if d.item:
        return d.resource("target-availability-set", None, "")
    source = d.context.availability_set
    set_requested = (
        d.is_requested("target-availability-set") and d.overrides.requested["target-availability-set"].value != NONE
    )
    if set_requested and source is None:
        d.reject("target-availability-set", f"none, since {d.vm.id.name} is in no availability set")
        return None
    if set_requested and zone:
        d.reject(
            "target-availability-set", f"none, since the {d.overrides.requested['target-zone'].where} requests a zone"
        )
        return None
    default = d.names.in_group(group, source.id) if source and not zone else None
    reason = (
        d.by_template("availability_set", "the VM's availability set")
        if default
        else "a zone is requested"
        if zone
        else "the VM is in none"
    )
    found = d.resource("target-availability-set", default, reason)
    if found and found == default:
        d.findings += set_not_unique(d.vm, found, d.context.in_target_set, d.app)
    return found


def default_set(vm: SourceVm, overrides: Overrides, target: str) -> ResourceId | None:
    """The counterpart of the VM's availability set in that region; None without one, or if an override asks for another
    set or a zone."""
    zone, source = overrides.requested.get("target-zone"), vm.availability_set_id
    if source is None or "target-availability-set" in overrides.requested or (zone and zone.value.lower() != NONE):
        return None
    return overrides.names_between(vm.location, target).in_group(target_group(vm, overrides, target), source)


def set_not_unique(vm: SourceVm, target: ResourceId, inside: Iterable[ResourceId], app: Settings) -> Iterator[Finding]:
    """The finding if VMs of another set are protected into the target set: `inside` are those in it."""
    # A set is in the resource group of its VMs: those of another group are in another set.
    if others := [each for each in inside if each.group_id != vm.id.group_id]:
        holder = f"which another set has: {min(others)} is protected into it."
        message = f"The target of {vm.availability_set_id} would be {target}, {holder}"
        yield finding_of("NameNotUnique", message, tag=app.tag_name)


def group_not_unique(groups: Iterable[ResourceId], of_cache: Container[ResourceId], app: Settings) -> Iterator[Finding]:
    """The finding for each target group that has the name of a group of cache accounts."""
    for group in groups:
        if group in of_cache:
            message = f"{group} would be a target group and the group of the cache accounts."
            yield finding_of("NameNotUnique", message, tag=app.tag_name)


def placement_group(d: PlanBuilder) -> ResourceId | None:
    source = d.vm.placement_group_id
    default = d.names.sibling(source) if source else None
    reason = d.by_template("placement_group", "the VM's proximity placement group") if source else "the VM is in none"
    return d.resource("target-ppg", default, reason)


def check_scale_set(d: PlanBuilder, chosen: ResourceId | None, availability_set: ResourceId | None, zone: str) -> None:
    """Rejects a target scale set beside an availability set, or with other zones than that of the VM."""
    existing = d.existing(chosen) if chosen and d.is_requested("target-scale-set") else None
    if existing is None:
        return
    if availability_set:
        d.reject("target-scale-set", f"none, since the target VM is in the availability set {availability_set.name}")
    elif zone not in (existing.zones or ("",)):
        zones = ", ".join(existing.zones) or "none"
        d.reject("target-scale-set", f"a set in the zone of the target VM ({zone or 'none'}); it has {zones}")


def named(d: PlanBuilder) -> dict[str, ResourceId | None]:
    """The resources that the VM uses only if an override names them, by the fields of `Replication`."""
    rows = [row for row in CHOICES.values() if row.field and row.resource_type is not None and row.default == NONE]
    found = {row.field: d.resource(row.tag, None, "none is requested") for row in rows}
    storage.check_boot_diagnostics(d, found["boot_diagnostics"])
    return found


def name(d: PlanBuilder) -> str:
    """The name of the override, or "" for that of the VM."""
    requested = d.text("target-name", d.vm.id.name, "the VM's own")
    if d.is_requested("target-name") and d.vm.os.lower() == "windows" and len(requested) > LONGEST_WINDOWS_NAME:
        d.reject("target-name", f"at most {LONGEST_WINDOWS_NAME} characters for Windows")
    return requested if d.is_requested("target-name") else ""


def target_place(
    vm: SourceVm, overrides: Overrides, target: str, item: ProtectedItem | None = None
) -> tuple[ResourceId, str]:
    """The group and the name of the VM that a failover to that region is to create: as requested, else of `item`."""
    requested, has = overrides.requested, item.settings if item else TargetSettings()
    of_item = has.target_group if "target-resource-group" not in requested else None
    name = requested["target-name"].value if "target-name" in requested else has.name or vm.id.name
    return of_item or target_group(vm, overrides, target), name


def target_vm(vm: SourceVm, overrides: Overrides, target: str, item: ProtectedItem | None = None) -> ResourceId | None:
    """The VM that a failover to that region is to create, as requested; None if `item` would create it as it is."""
    if item and not {"target-name", "target-resource-group"} & overrides.requested.keys():
        return None
    (group, name), has = target_place(vm, overrides, target, item), item.settings if item else TargetSettings()
    found = ResourceId.of(group.subscription, group.resource_group, VIRTUAL_MACHINE, name)
    same = (group, name.lower()) == (has.target_group, has.name.lower())
    return None if item and (same or found in item.failover_vms) else found


def name_taken(vm: SourceVm, there: ResourceId, settings: Settings) -> Finding:
    """The blocker for a VM whose target name another VM has."""
    return finding_of(
        "TargetConflict",
        f"A failover of {vm.id.name} would create {there}, and a VM of that name exists there.",
        tag=settings.tag_name,
    )


def consistency_group(d: PlanBuilder) -> str:
    """The multi-VM group: at most 16 VMs, of one subscription and region."""
    requested = d.text("consistency-group", NONE, "each VM has recovery points of its own")
    members = [member for member in d.context.group_members if member.id != d.vm.id]
    if len(members) >= MOST_IN_GROUP:
        d.reject("consistency-group", f"a group of fewer than {MOST_IN_GROUP} VMs")
    elif any(not _alike(member, d.vm) for member in members):
        d.reject(
            "consistency-group", f"a group of VMs of one subscription and region, as {members[0].id} is in another"
        )
    return requested


def check_subscription(d: PlanBuilder, replication: Replication, networks: Iterable[ResourceId]) -> None:
    """Rejects target resources outside the subscription of the target resource group. Only the cache is at the
    source."""
    subscription = replication.target_group.subscription.lower()
    used = {*replication.named, *([replication.network] if replication.network else networks)}
    strays = [str(each) for each in used - {replication.cache_account} if each.subscription.lower() != subscription]
    for tag in ("target-resource-group", "target-vnet"):
        if strays and d.is_requested(tag) and d.item is None:
            allowed = f"what lies in one subscription with all of the target VM; {min(strays)} lies in another"
            default_network = tag == "target-resource-group" and not d.is_requested("target-vnet")
            d.reject(tag, allowed, OTHER_SUBSCRIPTION if default_network else "")
            return
