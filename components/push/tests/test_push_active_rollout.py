from pathlib import Path

import pytest
from store_contract import SERVICE, first

from kanaria.components.push.active_rollout import make_way
from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.delivery_mapping import OnActive
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.decision.rollout_state import Phase


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """Where one active rollout is kept."""
    store = FileStore(tmp_path)
    store.create(first("team"))
    return store


def check_active(store: FileStore, service: str, on_active: OnActive) -> None:
    make_way(store, "team", service, on_active, who="push_model of two", now=60.0)


def test_another_model_is_refused_while_a_rollout_is_active(store: FileStore):
    with pytest.raises(NotReadyError) as caught:
        check_active(store, SERVICE, OnActive.REFUSE)
    assert str(caught.value) == (
        "team/kept rollout 1 is active: kept-00002 at 0 %, begun by kim; wait for its end, "
        "roll it back, or push with delivery.on_active=supersede"
    )
    assert store.load("team", SERVICE).rollout.active


def test_it_supersedes_the_rollout_when_that_is_asked_for(store: FileStore):
    check_active(store, SERVICE, OnActive.SUPERSEDE)
    rollout = store.load("team", SERVICE).rollout
    # Its canary is still to be given 0 %, by whoever looks at it next.
    assert (rollout.state.phase, rollout.settled) == (Phase.SUPERSEDED, False)
    assert store.entries("team", SERVICE, 1)[0].who == "push_model of two"
    check_active(store, SERVICE, OnActive.REFUSE)


@pytest.mark.parametrize("on_active", OnActive)
def test_without_a_rollout_of_this_service_nothing_is_in_the_way(
    store: FileStore, on_active: OnActive
):
    check_active(store, "another", on_active)
    assert store.load("team", SERVICE).rollout.active
