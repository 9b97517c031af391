"""The az CLI against the simulator: the commands of local/simulator/README.md as they stand there, in one shell.

It takes the `az` of the PATH, or the one that `AZ_CLI` names; nothing here installs it (700 MB).
"""

import asyncio
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.integration.simulator.azure import TARGET_NETWORK, TENANT, VAULT_ID, azure, vm_id
from tests.integration.simulator.test_failover import WHERE, world
from tests.waiting import longer

README = Path("local/simulator/README.md")
AZ = os.environ.get("AZ_CLI") or shutil.which("az")
COPY = f"""
az rest --method post --url "$URL{VAULT_ID}/replicationFabrics/{WHERE[2]}/replicationProtectionContainers/{WHERE[3]}\
/replicationProtectedItems/{WHERE[4]}/testFailover?api-version=2025-08-01" --body '{
    json.dumps(
        {
            "properties": {
                "failoverDirection": "PrimaryToRecovery",
                "networkType": "VmNetworkAsInput",
                "networkId": TARGET_NETWORK,
                "providerSpecificDetails": {"instanceType": "A2A"},
            }
        }
    )
}'
for _ in $(seq 60); do [ -n "$(az vm list --query "[?name=='web-1-test']" --output tsv)" ] && break; done
az vm list --show-details --query "[].[name, powerState]" --output tsv
"""

pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(AZ is None, reason="needs the az CLI: on the PATH, or named by AZ_CLI"),
]


def _commands(url: str) -> str:
    """The commands of the README's section, but for the set-up of an environment, with the names of this estate."""
    [block] = re.findall(r"## With the az CLI.*?```bash\n(.*?)```", README.read_text(), re.DOTALL)
    script = "\n".join(
        line for line in block.splitlines() if not line.startswith(("python -m venv", "export AZURE_CONFIG_DIR"))
    )
    for given, here in (
        ("https://localhost:8443", url),
        ("<tenantId of the estate>", TENANT),
        ("<vault id>", VAULT_ID),
    ):
        assert given in script, f"the README's commands no longer hold {given}"
        script = script.replace(given, here)
    return script


async def test_the_commands_of_the_readme_do_what_they_say_and_copies_are_listed(tmp_path: Path) -> None:
    async with azure(world()) as clients:
        url = clients.simulator.url
        environment = os.environ | {
            "AZURE_CONFIG_DIR": str(tmp_path),
            "REQUESTS_CA_BUNDLE": str(clients.simulator.ca_file),
            "PATH": f"{Path(AZ or '').parent}:{os.environ['PATH']}",
            "URL": url,
        }
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-ec",
            _commands(url) + COPY,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, errors = await asyncio.wait_for(process.communicate(), longer(400))
        assert process.returncode == 0, errors.decode()

        machine = await clients.compute.virtual_machines.get("rg-app", "web-1", expand="instanceView")
        assert machine.id == vm_id("web-1")
        assert machine.tags == {"dr": "true"}
        assert [disk.name for disk in machine.storage_profile.data_disks] == ["web-1-data"]
        assert "PowerState/running" in [status.code for status in machine.instance_view.statuses]
        listed = printed.decode().splitlines()[-2:]
        assert listed == ["web-1\tVM running", "web-1-test\tVM running"]
