"""What each call of the app is for, in the order of the calls."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_ITEM = r"/replicationprotecteditems/[^/]+"
_PURPOSES = (
    ("GET", r"/virtualmachines/[^/]+", "the VM as it is now: tags, disks, interfaces, power state"),
    ("GET", r"/resourcegroups/.+/virtualmachines", "whether the target group holds a VM of the target name already"),
    ("GET", r"/virtualmachines", "several VMs as they are now, by a list of each part"),
    ("GET", r"/replicationeligibilityresults/default", "Site Recovery's own check of the VM"),
    ("GET", r"/networkinterfaces/[^/]+", "subnet and address of the VM's interface"),
    ("GET", r"/subscriptions/[^/]+/resourcegroups", "tags, region and manager of the groups; which of them exist"),
    ("GET", r"/microsoft.resources/links", "whether a link to an earlier or a foreign item is on the VM"),
    ("GET", r"/microsoft.authorization/locks", "locks that would stop a write"),
    ("GET", r"/microsoft.compute/disks", "disks that are shared or private"),
    ("GET", r"/microsoft.compute/skus", "sizes and types of disks that the target region offers"),
    ("GET", r"/locations/[^/]+/usages", "what is left of the quotas there"),
    ("POST", r"/checknameavailability", "whether others hold the name of the cache account"),
    ("GET", r"/vaults/[^/]+", "region and identity of the vault"),
    ("GET", r"/virtualnetworks/[^/]+", "a network: the model of the target, or whether the target is there"),
    ("GET", r"/storageaccounts/[^/]+", "whether the cache account is there, and may serve"),
    ("GET", r"/blobservices/default", "whether the cache account has soft delete, with which it cannot serve"),
    ("GET", r"/replicationprotecteditems", "what protects the VM, and how far its replication is"),
    ("GET", r"/replicationjobs", "jobs: those that run or failed, the daily limit, failovers"),
    ("GET", r"/replicationjobs/[^/]+", "one job: its error, or who started it"),
    ("GET", r"/replicationfabrics", "the fabrics of the vault"),
    ("GET", r"/replicationpolicies", "a policy with the wanted values"),
    ("GET", r"/replicationprotectioncontainers", "the containers of the fabrics"),
    ("GET", r"/replicationprotectioncontainermappings", "the mappings of the containers"),
    ("GET", r"/replicationnetworkmappings", "where networks are mapped to"),
    ("PUT", r"/resourcegroups/[^/]+", "creates a resource group"),
    ("PUT", r"/virtualnetworks/[^/]+", "creates the target network"),
    ("PUT", r"/storageaccounts/[^/]+", "creates the cache account"),
    ("PUT", r"/replicationfabrics/[^/]+", "creates the fabric of a region"),
    ("PUT", r"/replicationpolicies/[^/]+", "creates the policy"),
    ("PUT", r"/replicationprotectioncontainers/[^/]+", "creates the container of a fabric"),
    ("PUT", r"/replicationprotectioncontainermappings/[^/]+", "maps two containers: there, and back for the reprotect"),
    ("PUT", r"/replicationnetworkmappings/[^/]+", "maps two networks: there, and back for the reprotect"),
    ("PUT", _ITEM, "enables protection"),
    ("GET", _ITEM, "the item, before each write to it and after the last"),
    ("POST", r"/testfailover", "begins the test failover"),
    ("POST", r"/testfailovercleanup", "begins its cleanup"),
    ("GET", r"/networkinterfaces", "interfaces of several VMs, by a list"),
    ("POST", r"/microsoft.resourcegraph/resources", "many VMs, items, groups or targets, by a query"),
)


def purpose_of(request: Mapping[str, Any]) -> str:
    """What the call is for; "?" for one that no VM of the benchmark needs."""
    path = str(request["path"]).lower()
    return next(
        (text for method, end, text in _PURPOSES if method == request["method"] and re.search(f"{end}$", path)), "?"
    )


def lines(requests: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each call: its number, method and status, what it is for, and the end of its path."""
    for number, request in enumerate(requests, 1):
        end = "/".join(str(request["path"]).rsplit("/", 2)[1:])
        yield f"{number:>3} {request['method']:<5}{request['status']} {purpose_of(request)} ({end})"


def counts(requests: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each kind of call, the most frequent first: how many there are, the method, what it is for, and the
    path with "*" for each name."""
    kinds = Counter((request["method"], purpose_of(request), _kind(str(request["path"]))) for request in requests)
    for (method, purpose, path), count in kinds.most_common():
        yield f"{count:>4} {method:<5}{purpose} ({path})"


def _kind(path: str) -> str:
    """The path with "*" for each name: a type, and in front of all else a provider, has none."""
    scope, *of_providers = path.lower().split("/providers/")
    parts = [scope, *(f"/{types}" for _, _, types in (each.partition("/") for each in of_providers))]
    return "".join(re.sub("(/[^/]+)/[^/]+", r"\1/*", part) for part in parts)
