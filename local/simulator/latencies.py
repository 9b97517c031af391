"""Durations of the services' operations, in seconds at clock speed 1.

Sources: CLI-SELF and CLI-A2A are the az CLI's recorded A2A scenarios of 2023-08 and 2023-01, PS-RPI the PowerShell
recording of 2019-05. "invented" marks values without a source.
"""

import random

FABRIC = 70.0  # CLI-A2A #3, #8: 70 s; CLI-SELF: 65-85 s
POLICY = 1.0  # CLI-A2A #11
CONTAINER = 1.0  # CLI-A2A #15, #18: 0-1 s
CONTAINER_MAPPING = 100.0  # CLI-SELF: 97-166 s; CLI-A2A #25: 64 s, #30: 68 s
NETWORK_MAPPING = 3.5  # CLI-A2A #41, #44: 3-4 s
RECOVERY_PLAN = 0.5  # CLI-A2A #77, #82: under 1 s
# Of a plan's failover (PS-RP, A2ARecoveryPlanReplication, 2022-10): before its VMs, their start after it, the end.
RECOVERY_PLAN_CHECKS, RECOVERY_PLAN_START, RECOVERY_PLAN_END = 3.3, 39.6, 0.1
# The five tasks of the enable job: 310 s in all (CLI-SELF #147), shared out as in PS-RPI, the slowest of the three.
ENABLE_TASKS = (9.0, 192.0, 0.2, 107.0, 1.8)
PREFLIGHT_FAILURE = 3.0  # hashicorp/terraform-provider-azurerm#31927: failed 3 s after it began
AGENT_FAILURE = 120.0  # invented: how far into the agent's installation it gives up
# From the end of the enable job on: CLI-A2A #68-#73 saw the first percent after 10 min, "waiting for first recovery
# point" after 15 min and Protected 19 min after the job; reprotect and other runs took 27-50 min in all.
REPLICATION_REPORTS = 450.0
FIRST_RECOVERY_POINT_PENDING = 900.0
PROTECTED = 1200.0
FINALIZE_TASKS = (0.2, 0.1, 4.4, 0.3)  # PS-RPI, job SecondaryIrCompletion
DISABLE = 205.0  # CLI-SELF #222
PURGE_ITEM = 123.0  # CLI-A2A #128-#132
REMOVE_MAPPING = 3.0  # CLI-SELF #104
PURGE_MAPPING = 1.0  # CLI-SELF #235
REMOVE_NETWORK_MAPPING = 2.0  # CLI-SELF #232
REMOVE_CONTAINER = 1.0  # CLI-SELF #241
REMOVE_POLICY = 0.5  # CLI-SELF #247
REMOVE_FABRIC = 2.0  # CLI-SELF #250
FAILOVER = 140.0  # CLI-A2A #84-#89
COMMIT = 8.0  # CLI-A2A #91
REPROTECT = 506.0  # CLI-A2A #93-#110
# The four tasks of a test failover: 203 s in all (azure-docs, azure-to-azure-powershell), 149 and 141 s for each of the
# nodes of a cluster (PS-CL, A2AClutserTestFailover…, 2025-03). How they are shared out is invented, after a
# Hyper-V VM's (8 s to the checks' end).
TEST_FAILOVER_TASKS = (8.0, 110.0, 70.0, 15.0)
# The three tasks of a cleanup: those of a Hyper-V VM, but for the last: 82-146 s for the nodes of a cluster (PS-CL).
TEST_FAILOVER_CLEANUP_TASKS = (1.2, 0.2, 110.0)
TEST_VM_AGENT = 90.0  # invented: from the end of the job until the agent of the test VM reports
UPDATE_ITEM = 5.0  # invented
ADD_DISKS = 60.0  # invented
REMOVE_DISKS = 30.0  # invented
UPDATE_AGENT = 300.0  # invented: the agent's installation takes 8 minutes (PS-RPI)
UPDATE_SETTINGS = 2.0  # invented: PATCH of a policy or a mapping; vault cassette #38 took 1 s
RETRY_AFTER = 30.0  # PS-RPI
VAULT = 60.0  # CLI-SELF #22
STORAGE_ACCOUNT = 20.0  # CLI-SELF #137
STORAGE_RETRY_AFTER = 17.0  # what the storage provider is known to send
VIRTUAL_NETWORK = 4.0  # CLI-A2A #32-#33: done before the first poll
VIRTUAL_NETWORK_DELETE = 10.0  # invented
RESOURCE_GROUP_DELETE = 30.0  # invented
NETWORK_RETRY_AFTER = 3.0
VIRTUAL_MACHINE_CREATE = 60.0  # invented
VIRTUAL_MACHINE_WRITE = 10.0  # invented
VIRTUAL_MACHINE_POWER = 30.0  # invented
VIRTUAL_MACHINE_DELETE = 30.0  # invented
VM_SETTLES = 180.0  # invented: how long an estate's VM stays Creating or Updating
HEARTBEAT = 300.0  # CLI-A2A #112-#121: about every 5 min
# Event Grid: response time-out and back-off (delivery-and-retry, 2026-02)
EVENT_TIMEOUT = 30.0
EVENT_BACKOFF = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, 21600.0)
EVENT_ATTEMPTS = 30

SPREAD = 2.0
"""How many times as long or as short as recorded a drawn duration is at most."""


def factor(seed: int, *operation: str) -> float:
    """What the recorded duration of this operation is multiplied by: 1 with seed 0, else 1 / SPREAD to SPREAD, as often
    longer as shorter. It depends on the seed and on what is done to what alone: not on who starts it, or when."""
    return SPREAD ** random.Random(f"{seed} {operation}").uniform(-1, 1) if seed else 1.0  # noqa: S311
