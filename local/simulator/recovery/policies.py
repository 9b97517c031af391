"""Replication policies: retention and snapshot frequencies."""

from local.simulator import checks, latencies
from local.simulator.ids import stable_guid
from local.simulator.recovery import errors, jobs, lists, scope, views
from local.simulator.recovery.infrastructure import in_use
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure
from local.simulator.vault.model import Policy, RecoveryVault
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
_LONGEST_RETENTION = 21_600  # 15 days
_APP_CONSISTENT = range(60, 721)  # 1 to 12 hours, by the documentation


@routes.route("GET", scope.VAULT + "/replicationPolicies")
def list_policies(world: World, call: Call) -> Answer:
    found = scope.vault(world, call).policies.values()
    return lists.listed(world, call, [views.policy(each) for each in found if scope.visible(world, each.ready)])


@routes.route("GET", scope.VAULT + "/replicationPolicies/{policy}")
def get_policy(world: World, call: Call) -> Answer:
    return views.answer(views.policy(scope.policy(world, call)))


@routes.route("PUT PATCH", scope.VAULT + "/replicationPolicies/{policy}")
def write_policy(world: World, call: Call) -> Answer:
    """PUT reads providerSpecificInput and replaces all settings; PATCH reads replicationProviderSettings."""
    vault = scope.vault(world, call)
    old = scope.policy(world, call) if call.method == "PATCH" else vault.policies.get(call["policy"].lower())
    name = scope.check_name(call["policy"])
    part = "replicationProviderSettings" if call.method == "PATCH" else "providerSpecificInput"
    given = checks.get(checks.body(call), f"properties.{part}", dict, required=True)
    wanted = _policy_values(vault, name, given, old if call.method == "PATCH" else None)
    policy = old or wanted
    failure = _policy_failure(wanted)
    if old is None and failure is None:
        vault.policies[name.lower()] = policy

    def done(_moment: float) -> None:
        policy.retention, policy.app_consistent = wanted.retention, wanted.app_consistent
        policy.multi_vm_sync = wanted.multi_vm_sync
        policy.ready = True

    _, answer = jobs.start(
        world,
        call,
        vault,
        "UpdateProtectionProfile" if call.method == "PATCH" else "AddProtectionProfile",
        resource=policy.id,
        target=(stable_guid("policy", policy.id), name),
        seconds=latencies.POLICY,
        done=done,
        failed=lambda _moment: None if policy.ready else scope.drop(vault.policies, name),
        result=lambda: views.policy(policy),
        failure=failure,
    )
    return answer


def _policy_values(vault: RecoveryVault, name: str, given: Json, old: Policy | None) -> Policy:
    scope.a2a(checks.get(given, "instanceType", str, required=True))
    sync = checks.get(given, "multiVmSyncStatus", str, required=old is None)
    if sync not in ("Enable", "Disable", None):
        raise errors.bad_request(f"multiVmSyncStatus must be Enable or Disable, not '{sync}'.")

    def minutes(wire: str, default: int) -> int:
        value = checks.get(given, wire, int)
        return default if value is None else int(value)

    return Policy(
        vault,
        name,
        # Without a value it is 0: no recovery points are kept (CLI-A2A #12).
        retention=minutes("recoveryPointHistory", old.retention if old else 0),
        app_consistent=minutes("appConsistentFrequencyInMinutes", old.app_consistent if old else 0),
        crash_consistent=minutes("crashConsistentFrequencyInMinutes", old.crash_consistent if old else 5),
        multi_vm_sync=old.multi_vm_sync if sync is None and old else sync == "Enable",
    )


def _policy_failure(policy: Policy) -> Failure | None:
    """Code 150261 is known from a snapshot frequency beyond the retention; the ranges are the documentation's."""
    if not 0 <= policy.retention <= _LONGEST_RETENTION:
        why = f"The recovery point retention must be from 0 to {_LONGEST_RETENTION} minutes."
    elif policy.app_consistent and policy.app_consistent not in _APP_CONSISTENT:
        why = "The app-consistent snapshot frequency must be 0, or from 60 to 720 minutes."
    elif policy.app_consistent > policy.retention:
        why = "The app-consistent snapshot frequency must not be greater than the recovery point retention."
    elif policy.crash_consistent != 5:
        why = "The crash-consistent snapshot frequency must be 5 minutes."
    else:
        return None
    return Failure("150261", "Replication policy creation failed.", why, "Give values within the supported ranges.")


@routes.route("DELETE", scope.VAULT + "/replicationPolicies/{policy}")
def delete_policy(world: World, call: Call) -> Answer:
    vault = scope.vault(world, call)
    policy = vault.policies.get(call["policy"].lower())
    if policy is None:
        return Answer(204)
    used = any(mapping.policy is policy for mapping in vault.container_mappings())
    _, answer = jobs.start(
        world,
        call,
        vault,
        "RemoveProtectionProfile",
        resource=policy.id,
        target=(stable_guid("policy", policy.id), policy.name),
        seconds=latencies.REMOVE_POLICY,
        done=lambda _moment: scope.drop(vault.policies, policy.name),
        failure=in_use("replication policy", policy.name, "protection container mappings", used),
    )
    return answer
