"""The states of a replicated item."""

from enum import Enum


class Phase(Enum):
    """The state of an item: (protectionState, its description, vmProtectionState, its description, operations).

    Enabling, the two replicating ones and Protected are recorded or in official examples; commit states come from the
    official examples too. The rest is invented, modelled on the states of the sister resource provider.
    """

    ENABLING = ("EnablingProtection", "Enabling protection", "UnprotectedStatesBegin", "Enabling protection", ())
    ENABLING_FAILED = (
        "EnablingFailed",
        "Enabling protection failed",
        "EnablingFailed",
        "Enabling protection failed",
        ("DisableProtection",),
    )
    REPLICATING = (
        "InitialReplicationInProgress",
        "Initial replication is in progress",
        "UnprotectedStatesBegin",
        "Enabling protection",
        ("DisableProtection",),
    )
    FIRST_POINT = (
        "InitialReplicationRecoveryCompletionPending",
        "Waiting for first recovery point",
        "UnprotectedStatesBegin",
        "Enabling protection",
        ("DisableProtection",),
    )
    PROTECTED = (
        "Protected",
        "Protected",
        "Protected",
        "Protected",
        ("UnplannedFailover", "DisableProtection", "TestFailover"),
    )
    DISABLING = ("DisablingProtection", "Disabling protection", "DisablingProtection", "Disabling protection", ())
    FAILING_OVER = ("UnplannedFailoverInitiated", "Failover in progress", "Protected", "Protected", ())
    FAILED_OVER = (
        "UnplannedFailoverCommitRequired",
        "Failover completed",
        "UnplannedFailoverCommitRequired",
        "Failover completed",
        ("Commit", "DisableProtection"),
    )
    COMMITTING = ("CommitFailoverInProgressOnRecovery", "Committing the failover", "Protected", "Protected", ())
    COMMITTED = (
        "UnplannedFailoverCommitted",
        "Failover committed",
        "UnplannedFailoverCommitted",
        "Failover committed",
        ("ReverseReplicate", "DisableProtection"),
    )
    REPROTECTING = ("ReprotectInitiated", "Reprotecting", "ReprotectInitiated", "Reprotecting", ())
