"""Writes what a platform team has to assign, where the deployment assigns no roles (DR_ASSIGN_ROLES=false); azd runs it
after each provisioning. The file has the principals by their IDs, the custom roles, and every assignment."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PERMISSIONS = Path(__file__).parents[1] / "permissions.json"


def wanted(environment: Mapping[str, str]) -> dict[str, Any]:
    """The role definitions and the assignments, from the outputs of main.bicep."""
    principals = {"app": environment["DR_APP_PRINCIPAL_ID"], "vault": environment["DR_VAULT_PRINCIPAL_ID"]}
    principals["automation"] = environment.get("DR_AUTOMATION_PRINCIPAL_ID", "")
    rows = json.loads(environment["DR_ROLE_ASSIGNMENTS"])
    roles = {role["name"]: role for role in json.loads(PERMISSIONS.read_text()).values()}
    custom = {row["roleDefinitionId"]: roles[row["role"]] for row in rows if row["role"] in roles}
    return {
        "roleDefinitions": [
            {
                "id": definition,
                "roleName": f"{role['name']} ({environment['AZURE_ENV_NAME']}, {definition.split('/')[2]})",
                "description": role["description"],
                "actions": list(role["actions"]),
                "assignableScopes": ["/".join(definition.split("/")[:3])],
            }
            for definition, role in custom.items()
        ],
        "roleAssignments": [
            {
                "role": row["role"],
                "roleDefinitionId": row["roleDefinitionId"],
                "scope": row["scope"],
                "principalId": principals[row["holder"]],
                "principalType": "ServicePrincipal",
            }
            for row in rows
        ],
    }


def main() -> int:
    if os.environ.get("DR_ASSIGN_ROLES") == "false":
        file = Path(".azure", os.environ["AZURE_ENV_NAME"], "roles-to-assign.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(wanted(os.environ), indent=2) + "\n")
        print(f"No role was assigned. Before the app can work, somebody has to assign what {file} lists.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
