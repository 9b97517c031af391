"""Everything that exists as one JSON: the response of `GET /sim/state`."""

from local.simulator.arm import compute
from local.simulator.recovery import item_view, job_view, views
from local.simulator.store import Resource, VirtualMachine
from local.simulator.wire import Json
from local.simulator.world import World


def virtual_machines(world: World) -> list[VirtualMachine]:
    return [resource for resource in world.store.all() if isinstance(resource, VirtualMachine)]


def everything(world: World) -> Json:
    """Includes items that a client cannot see yet."""
    return {
        "tenantId": world.store.tenant_id,
        "subscriptions": [each.body() for each in world.store.subscriptions.values()],
        "resourceGroups": [
            group.body() for each in world.store.subscriptions.values() for group in each.groups.values()
        ],
        "resources": [_resource(world, resource) for resource in world.store.all()],
        "siteRecovery": [
            {
                "vault": vault.resource.id,
                "registered": vault.registered,
                "fabrics": [views.fabric(each) for each in vault.fabrics.values()],
                "protectionContainers": [views.container(each) for each in vault.containers()],
                "policies": [views.policy(each) for each in vault.policies.values()],
                "containerMappings": [views.container_mapping(each) for each in vault.container_mappings()],
                "networkMappings": [views.network_mapping(each) for each in vault.network_mappings()],
                "protectedItems": [item_view.view(world, each) for each in vault.items()],
                "jobs": [job_view.view(world, each, full=True) for each in vault.jobs.values()],
            }
            for vault in world.recovery.values()
        ],
    }


def _resource(world: World, resource: Resource) -> Json:
    if isinstance(resource, VirtualMachine):
        return {**compute.render(world, resource, expanded=False), "power": resource.power}
    return resource.body
