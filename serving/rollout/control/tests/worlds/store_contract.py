"""What every Store promises; who uses it gives the fixtures `store` and `namespace`.

The namespace holds a service called SERVICE, which owns what is kept.
"""

from dataclasses import replace

import pytest

from kanaria.components.shared.errors import ConflictError, DataError
from kanaria.serving.rollout.control.rollout_store import Store, Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout, Target
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, apply, begin
from kanaria.serving.rollout.observations.between_readings import Memory
from kanaria.serving.rollout.observations.interval_observation import Counts, Observation
from kanaria.serving.rollout.policy.rollout_policy import Policy

SERVICE = "kept"
TABLE = tuple((round(0.001 * 1.5**step, 6), 1000 - step) for step in range(12))


def first(namespace: str, number: int = 1) -> Rollout:
    target = Target(
        namespace=namespace,
        service=SERVICE,
        canary="kept-00002",
        stable="kept-00001",
        canary_uri="s3://models/b",
        stable_uri="s3://models/a",
    )
    return Rollout(
        number=number,
        target=target,
        policy=Policy(),
        started=1000.0,
        started_by="kim",
        state=begin(1000.0),
        memory=Memory(),
    )


def over(rollout: Rollout) -> Rollout:
    command = Command(kind=CommandKind.SUPERSEDE, who="kim", when=0.0)
    return replace(rollout, state=apply(rollout.state, command, rollout.policy).state)


def minute(number: int) -> Observation:
    counts = Counts(requests=1000, errors=number % 7, slower=TABLE)
    return Observation(interval=number, now=60.0 * number, canary=counts, stable=counts)


def loaded(store: Store, namespace: str) -> Stored:
    stored = store.load(namespace, SERVICE)
    assert stored is not None
    return stored


class StoreContract:
    def test_nothing_is_kept_of_a_service_without_rollouts(self, store: Store, namespace: str):
        assert store.load(namespace, "unheard-of") is None

    def test_a_rollout_comes_back_as_it_was_kept(self, store: Store, namespace: str):
        store.create(first(namespace))
        assert loaded(store, namespace).rollout == first(namespace)
        assert SERVICE in store.services(namespace)

    def test_a_change_of_an_old_version_is_refused(self, store: Store, namespace: str):
        store.create(first(namespace))
        old = loaded(store, namespace)
        store.save(replace(first(namespace), looked=1.0), old.version)
        with pytest.raises(ConflictError):
            store.save(replace(first(namespace), looked=2.0), old.version, minute(0))
        assert loaded(store, namespace).rollout.looked == 1.0
        assert store.entries(namespace, SERVICE, 1) == ()

    def test_entries_are_kept_in_order(self, store: Store, namespace: str):
        store.create(first(namespace))
        stored = loaded(store, namespace)
        for number in range(5):
            stored = store.save(stored.rollout, stored.version, minute(number))
        assert store.entries(namespace, SERVICE, 1) == tuple(minute(n) for n in range(5))
        assert stored.rollout.entries == 5

    def test_a_rollout_that_is_active_is_not_replaced(self, store: Store, namespace: str):
        store.create(first(namespace))
        with pytest.raises(ConflictError, match="started in between"):
            store.create(first(namespace, number=2))

    def test_the_records_of_earlier_rollouts_stay(self, store: Store, namespace: str):
        store.create(first(namespace))
        stored = loaded(store, namespace)
        store.save(over(stored.rollout), stored.version, minute(0))
        store.create(first(namespace, number=2))
        stored = loaded(store, namespace)
        store.save(stored.rollout, stored.version, minute(7))
        assert store.entries(namespace, SERVICE, 1) == (minute(0),)
        assert store.entries(namespace, SERVICE, 2) == (minute(7),)

    def test_a_rollout_that_never_was_is_named(self, store: Store, namespace: str):
        store.create(first(namespace))
        with pytest.raises(DataError, match="there is no rollout 9"):
            store.entries(namespace, SERVICE, 9)
