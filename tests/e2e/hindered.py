"""The estate in which the hindrances of all VMs are, and the same estate fixed."""

from typing import Any

from tests import estates
from tests.e2e import hindrances as ids
from tests.e2e.hindrances import CASES, Json
from tests.estates import GROUP, SOURCE, SUBSCRIPTION, TARGET, VAULT, resource_id

_STAYS_TAGGED = {"unguarded", "apart", "twofold", "central", "soft", "walled", "flooded", "fenced", "unlisted"}
_HOLDER = resource_id("Microsoft.Network/bastionHosts", "bastion", ids.THERE) + "/bastionHostIpConfigurations/first"


def estate(*, fixed: bool = False) -> Json:
    """Fixed, what is asked for is there, and nothing else is asked for or in the way."""
    vms = {case.vm["id"]: case.vm for case in CASES}
    made = estates.estate([_fix(vm) for vm in vms.values()] if fixed else vms.values(), networks=())
    made["subscriptions"].append({"id": ids.OTHER, "name": "Somebody else's"})
    made["vaults"] = [
        {"id": VAULT, "location": TARGET, "identity": "SystemAssigned"},
        {"id": ids.SECOND_VAULT, "location": "uksouth", "identity": "SystemAssigned" if fixed else None},
        {"id": ids.FOREIGN_VAULT, "location": TARGET},
        *([{"id": ids.LOST_VAULT, "location": TARGET}] if fixed else ()),
    ]
    if not fixed:
        other = estates.vm("namesake", location=TARGET, network="vnet-near", tagged=False)
        made["virtualMachines"].append(
            other | {"id": resource_id("Microsoft.Compute/virtualMachines", "namesake", ids.THERE)}
        )
    made["networks"] = _networks(fixed=fixed)
    made["resources"] = [
        _resource(ids.GUARD, SOURCE),
        _resource(ids.ROUTES, SOURCE),
        _resource(ids.KEYS, SOURCE),
        _resource(ids.SCALE_SET, SOURCE) | {"properties": {"orchestrationMode": "Uniform"}},
        _resource(ids.SCALING, SOURCE) | {"properties": {"virtualMachineProfile": {"osProfile": {}}}},
        _resource(ids.FLEXIBLE, SOURCE),
        _resource(ids.HOSTS, SOURCE),
        _resource(ids.HOST, SOURCE),
        _resource(ids.PLACEMENT, TARGET if fixed else "northeurope"),
        _resource(ids.NAT, SOURCE),
        _resource(ids.APPLICATIONS, SOURCE),
        _resource(ids.ADDRESS, TARGET) | {"sku": {"name": "Basic"}, "properties": {"ipConfiguration": {"id": _HOLDER}}},
        _resource(ids.BALANCER, TARGET)
        | {
            "properties": {
                "backendAddressPools": [{"name": "web"}],
                "frontendIPConfigurations": [
                    {"name": "out", "properties": {"publicIPAddress": {"id": f"{ids.ADDRESS}-of-it"}}}
                ],
            }
        },
    ]
    if fixed:
        made["resources"].append(
            _resource(resource_id("Microsoft.Network/networkSecurityGroups", "wall", ids.THERE), TARGET)
        )
    let_in = [f"{estates.network_id('vnet-app')}/subnets/web"]
    made["storageAccounts"] = [
        _account(ids.KEYLESS, sharedKeyAccess=False),
        _account(ids.KEYLESS_TOO, "centralus", sharedKeyAccess=False),
        _account(ids.SOFT, softDelete=not fixed),
        _account(ids.WALLED, firewall="trusted" if fixed else "closed", subnets=let_in),
        _account(ids.FENCED_CACHE, firewall="trusted", subnets=let_in if fixed else [f"{let_in[0]}-of-others"]),
        _account(ids.PRIVATE_CACHE, publicAccess=False, privateEndpoint=fixed),
        _account(ids.SHUT, "centralus", sharedKeyAccess=False),
        _account(ids.FLOODED, kind="BlockBlobStorage", sku="Premium_LRS", softDelete=not fixed),
        _account(ids.BLOBS),
        _account(ids.LOOT),
    ]
    made["resourceGroups"] = [
        {"id": ids.THERE, "location": TARGET},
        *({"id": f"{group}-asr", "location": TARGET} for group in (ids.CHAINED, ids.SEALED, ids.NETWORKS)),
        {"id": f"{ids.HOMELY}-asr", "location": TARGET if fixed else SOURCE},
        {"id": f"{GROUP}-vaults", "location": TARGET if fixed else "centralus"},
        {"id": ids.LABELLED, "location": SOURCE, "tags": {} if fixed else {"dr-target-size": "Standard_D4s_v5"}},
        {
            "id": ids.MANAGED,
            "location": SOURCE,
            "managedBy": resource_id("Microsoft.ContainerService/managedClusters", "aks"),
        },
    ]
    network = estates.network_id("vnet-near") if fixed else ids.CLAIMED
    made["siteRecovery"] = [_protecting(VAULT, estates.vm_id("failed-over"), "UnplannedFailoverCommitted", network)]
    if not fixed:
        made["siteRecovery"].append(_protecting(ids.FOREIGN_VAULT, estates.vm_id("elsewhere"), "Protected", network))
    return made if fixed else made | _causes()


def _fix(vm: Json) -> Json:
    """As plain as a VM can be."""
    name = vm["id"].rsplit("/", 1)[1]
    plain = estates.vm(name, location=vm["location"], nics=vm["nics"]) | {"id": vm["id"]}
    return plain | {"tags": vm["tags"]} if name in _STAYS_TAGGED else plain


def _resource(resource: str, location: str) -> Json:
    return {"id": resource, "location": location}


def _account(account: str, location: str = SOURCE, **more: Any) -> Json:
    return {"id": account, "location": location, "kind": "StorageV2", "sku": "Standard_LRS"} | more


def _networks(*, fixed: bool) -> list[Json]:
    odd = estates.network(6, "vnet-odd", networkSecurityGroup=ids.GUARD, routeTable=ids.ROUTES)
    rich = estates.network(9, "vnet-rich", natGateway=ids.NAT, serviceEndpoints=["Microsoft.Storage", "Microsoft.Sql"])
    jobs = {"name": "jobs", "prefix": "10.9.2.0/24", "delegations": ["Microsoft.Web/serverFarms"]}
    renamed = estates.network(10, "vnet-renamed-asr", TARGET, ids.THERE)
    gateway = {"name": "GatewaySubnet", "prefix": "10.10.2.0/24"}
    apps = {"name": "apps", "prefix": "10.10.4.0/24", "defaultOutboundAccess": False}
    hub = estates.network(11, "vnet-hub-asr", TARGET, ids.THERE)
    return [
        estates.network(1, "vnet-app"),
        estates.network(2, "vnet-near", TARGET),
        estates.network(3, "vnet-europe", "westeurope"),
        estates.network(12, "vnet-north", "northeurope"),
        estates.network(4, "vnet-south", "southcentralus"),
        estates.network(5, "vnet-central", "centralus"),
        odd | {"peerings": [estates.network_id("vnet-app")]},
        estates.network(66, "vnet-odd-asr", TARGET, ids.THERE),
        estates.network(8, "vnet-fenced", group=ids.NETWORKS),
        rich | {"subnets": [*rich["subnets"], jobs]},
        estates.network(10, "vnet-renamed") | {"dnsServers": ["10.10.0.4"]},
        renamed | {"subnets": [gateway, {"name": "work", "prefix": "10.10.3.0/24"}, apps]},
        estates.network(11, "vnet-hub"),
        hub | {"subnets": [gateway | {"prefix": "10.11.2.0/24"}, *(hub["subnets"] if fixed else ())]},
        estates.network(13, "vnet-claimed"),
        estates.network(13, "vnet-claimed-asr", TARGET, ids.THERE),
        estates.network(7, "vnet-taken"),
        estates.network(7, "vnet-taken-asr", TARGET if fixed else "northeurope", ids.THERE),
    ]


def _causes() -> Json:
    vm = estates.vm_id
    container = f"{VAULT}/replicationFabrics/f/replicationProtectionContainers/c"
    return {
        "locks": [
            _lock(vm("frosted"), "ice", "ReadOnly"),
            _lock(vm("kept"), "chain", "CanNotDelete"),
            _lock(f"{ids.CHAINED}-asr", "link", "CanNotDelete"),
            _lock(f"{ids.NETWORKS}-asr", "fence", "ReadOnly"),
            _lock(f"{ids.SEALED}-asr", "wax", "ReadOnly"),
            _lock(f"{ids.CACHES}-centralus", "of-cache", "ReadOnly"),
            _lock(ids.SECOND_VAULT, "of-vault", "ReadOnly"),
        ],
        "links": [
            {
                "id": f"{vm('linked')}/providers/Microsoft.Resources/links/ASR-Protect-old",
                "targetId": f"{container}/replicationProtectedItems/gone",
            }
        ],
        "quotas": [
            {"subscription": SUBSCRIPTION, "location": TARGET, "name": "standardDSv4Family", "limit": 9, "used": 8}
        ],
        "restrictedSizes": [
            {"subscription": SUBSCRIPTION, "location": TARGET, "size": "Standard_E2s_v5"},
            {"subscription": SUBSCRIPTION, "location": TARGET, "size": "Standard_D2s_v5", "zones": ["3"]},
        ],
    }


def _lock(scope: str, name: str, level: str) -> Json:
    return {"id": f"{scope}/providers/Microsoft.Authorization/locks/{name}", "level": level}


def _protecting(vault: str, vm: str, state: str, network: str) -> Json:
    """A vault in which somebody has enabled a VM by hand."""
    item = {
        "name": "by-hand",
        "virtualMachine": vm,
        "state": state,
        "recoveryResourceGroup": ids.THERE,
        "cacheStorageAccount": ids.KEYLESS,
        "recoveryNetwork": network,
    }
    return estates.site_recovery(vault, items=[item])
