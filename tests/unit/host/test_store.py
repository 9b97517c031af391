"""The store: which instances a filter chooses, and that purging takes what is chosen, portion by portion."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.host.durable.events import EventType, event
from local.host.durable.store import ENDED, Instance, Selection, Store

STATUSES = (*ENDED, "Running", "Pending", "Suspended")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "history.db")
    yield opened
    opened.close()


def fill(store: Store, count: int, **changes: object) -> None:
    """Instances `vm-<n>`, created in the second n, each with something in its history and its inbox."""
    with store.transaction():
        for number in range(count):
            made = Instance(f"vm-{number}", "e", "protect_vm", None, None, created=number, updated=number)
            made.status = STATUSES[number % len(STATUSES)]
            for name, value in changes.items():
                setattr(made, name, value)
            store.write(made)
            store.append_history(made.id, 0, [event(EventType.ORCHESTRATOR_STARTED, 0)])
            store.send(made.id, event(EventType.EVENT_RAISED, 0, Name="changed"))


def ids(store: Store) -> set[str]:
    return {instance.id for instance in store.instances(Selection())}


def test_what_runs_is_purged_with_the_rest_unless_statuses_are_given(store: Store) -> None:
    """As in Azure: any client that purges by times names the statuses."""
    fill(store, 60)

    assert store.purge_chosen(Selection(statuses=("Running", "Failed")), 1000) == 20
    assert {instance.status for instance in store.instances(Selection())} == set(STATUSES) - {"Running", "Failed"}
    assert store.purge_chosen(Selection(), 1000) == 40


def test_instances_come_in_the_order_of_their_ids_from_any_of_them_on(store: Store) -> None:
    fill(store, 20)

    found = [instance.id for instance in store.instances(Selection(), "vm-15", 3)]

    assert found == ["vm-15", "vm-16", "vm-17"]


def test_a_span_of_time_and_statuses_are_both_kept_to(store: Store) -> None:
    fill(store, 60)

    assert store.purge_chosen(Selection(created_from=10, created_to=30, statuses=("Completed",)), 1000) == 4
    gone = {f"vm-{number}" for number in range(60)} - ids(store)
    assert gone == {"vm-12", "vm-18", "vm-24", "vm-30"}


def test_a_span_that_ends_before_anything_was_created_chooses_nothing(store: Store) -> None:
    fill(store, 6, created=5.0)

    assert store.instances(Selection(created_to=0)) == []
    assert store.purge_chosen(Selection(created_to=0), 1000) == 0


def test_what_is_purged_at_once_is_bounded_and_leaves_nothing_behind(store: Store) -> None:
    fill(store, 500, status="Completed")

    portions = []
    while portion := store.purge_chosen(Selection(), 200):
        portions.append(portion)

    assert portions == [200, 200, 100]
    assert ids(store) == set()
    assert [store.history(f"vm-{number}") for number in range(500)] == [[]] * 500
    assert store.unfinished_instances() == []
