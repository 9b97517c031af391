"""The condition of replicated items in an estate: health, agent, RPO."""

from local.simulator.estate.fields import Fields
from local.simulator.recovery import jobs, replication
from local.simulator.vault.condition import AGENT_VERSION, Condition, Trouble, ago
from local.simulator.vault.job import Job
from local.simulator.vault.model import ProtectedItem
from local.simulator.world import World

_HEALTH = ("", "Normal", "Warning", "Critical")
_CATEGORIES = ("Replication", "TestFailover", "Configuration", "FabricInfrastructure", "VersionExpiry")
_KEYS = (
    "health failoverHealth errors rpoSeconds rpoHoursAgo agentVersion agentExpiresInDays agentUpdateRequired "
    "agentCertificateUpdateRequired testedDaysAgo stalledHours"
)


def read(fields: Fields) -> tuple[Condition, int | None]:
    """The condition, and the days since the last successful test failover. Raises ValueError."""
    found = Fields(fields.get("condition", dict, {}), f"{fields.where}: condition", _KEYS)
    troubles = tuple(
        Trouble(
            each.need("code", str),
            each.need("message", str),
            each.get("recommendedAction", str, ""),
            each.get("hoursAgo", int, 0),
            each.choice("category", _CATEGORIES),
        )
        for each in found.parts("errors", "code message recommendedAction hoursAgo category")
    )
    condition = Condition(
        health=found.choice("health", _HEALTH),
        failover_health=found.choice("failoverHealth", _HEALTH),
        troubles=troubles,
        rpo_seconds=found.get("rpoSeconds", int),
        rpo_calculated_hours=found.get("rpoHoursAgo", int),
        agent_version=found.get("agentVersion", str, AGENT_VERSION),
        agent_expires_days=found.get("agentExpiresInDays", int),
        agent_update=found.get("agentUpdateRequired", bool, False),
        certificate_update=found.get("agentCertificateUpdateRequired", bool, False),
        stalled_hours=found.get("stalledHours", int),
    )
    return condition, found.get("testedDaysAgo", int)


def stall(world: World, item: ProtectedItem, hours: int) -> None:
    """The enable job ended `hours` ago, and initial replication has made no progress since."""
    started = ago(world.clock, hours) - sum(task.seconds for task in replication.ENABLE_TASKS)
    job = Job(
        vault_id=item.vault.id,
        scenario="EnableDr",
        started=started,
        tasks=replication.ENABLE_TASKS,
        target_id=item.internal_id,
        target_name=item.vm_name,
        affected=replication.affected(item),
        result=lambda: None,
    )
    jobs.begin(world, item.vault, job, lambda _moment: None, item.id)
    item.replication_started = job.ends
