"""Keeps `azd down` from what it must not remove; azd runs it first, with its environment.

azd removes every resource group that the deployment has written anything to, as a whole: also those of the VMs, where
it has only assigned a role, and with the cache groups what a replication goes through. (Azure/azure-dev issue 2916)
"""

import os
import sys

from infra.hooks.deploy_events import AzError, az

_API_VERSION = "2025-08-01"
_OTHERS = {
    "DR_SOURCE_RESOURCE_GROUPS": "the VMs' resource groups",
    "DR_TARGET_RESOURCE_GROUPS": "the targets' resource groups",
    "DR_EXISTING_VAULT_ID": "the resource group of the vault that was there before",
}


def reasons() -> list[str]:
    """Why not to go on; empty if nothing but what the deployment has made would go. Raises AzError."""
    found = [
        f"it would remove {what} ({name}={os.environ[name]})" for name, what in _OTHERS.items() if os.environ.get(name)
    ]
    if vault := os.environ.get("DR_VAULT_ID"):
        items = az("rest", "--method", "get", "--url", f"{vault}/replicationProtectedItems?api-version={_API_VERSION}")
        if count := len(items["value"]):
            found.append(f"{count} VMs are protected: it would remove their cache accounts, and fail at the vault")
    return found


def main() -> int:
    try:
        found = reasons()
    except AzError as error:
        found = [f"what is protected cannot be read: {error}"]
    if found:
        print("azd down is stopped before it does harm:", *found, sep="\n  ", file=sys.stderr)
        print("docs/deploy.md, Remove it, says what to do instead.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
