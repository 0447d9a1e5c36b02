import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.push.model_standing import Standing, obstacle, revision_of, standing
from kanaria.serving.traffic.traffic_protocol import LoadFailure, ServiceStatus

OLD, NEW = "/models/old/model", "/models/new/model"
URIS = {"s-1": OLD, "s-2": NEW}


def status(**changes: object) -> ServiceStatus:
    fields = {
        "storage_uri": NEW,
        "canary_percent": 0,
        "latest_created": "s-2",
        "latest_ready": "s-1",
        "rolled_out": "s-1",
        "revision_uris": URIS,
    }
    return ServiceStatus(**{**fields, **changes})


def test_nothing_is_deployed_yet():
    assert standing(None, NEW) is Standing.ABSENT


def test_another_model_is_applied():
    observed = status(storage_uri=OLD, latest_created="s-1", revision_uris={"s-1": OLD})
    assert standing(observed, NEW) is Standing.ABSENT


def test_an_applied_model_without_a_revision_is_waited_for():
    observed = status(latest_created="s-1", revision_uris={"s-1": OLD})
    assert standing(observed, NEW) is Standing.WAITING


def test_the_old_revision_being_ready_says_nothing_about_the_new_one():
    assert standing(status(), NEW) is Standing.WAITING


def test_the_new_revision_is_ready():
    assert standing(status(latest_ready="s-2"), NEW) is Standing.READY


def test_a_model_that_does_not_load():
    failure = LoadFailure(reason="ModelLoadFailed", message="no saved_model.pb")
    assert standing(status(failure=failure), NEW) is Standing.FAILED


def test_the_stable_model_beside_a_canary_is_served():
    assert standing(status(latest_ready="s-2"), OLD) is Standing.READY
    assert revision_of(status(), OLD) == "s-1"


def test_a_ready_revision_lacks_copies_until_there_are_as_many_as_must_be():
    few = status(latest_ready="s-2", ready_copies={"s-1": 3, "s-2": 1})
    assert obstacle(few, NEW, 2) == "s-2 has 1 of 2 copies ready"
    assert obstacle(few, NEW, 1) == obstacle(few, NEW, 0) == obstacle(few, OLD, 3) == ""


def test_where_nobody_counts_copies_readiness_is_enough():
    assert obstacle(status(latest_ready="s-2"), NEW, 2) == ""


def test_what_is_not_ready_says_how_far_it_is():
    assert obstacle(None, NEW, 1) == "there is no such service"
    assert obstacle(status(), NEW, 1) == "s-2 is not ready (InProgress)"
    failure = LoadFailure(reason="ModelLoadFailed", message="exit code 137")
    # A manifest that KServe cannot make pods of never becomes a revision.
    invalid = LoadFailure(reason="InvalidPredictorSpec", message="no such runtime")
    bare = status(revision_uris={}, failure=invalid, transition="InvalidSpec")
    assert obstacle(bare, NEW, 1) == (
        "no revision has it yet (InvalidSpec): InvalidPredictorSpec: no such runtime"
    )
    observed = status(failure=failure, transition="BlockedByFailedLoad")
    assert obstacle(observed, NEW, 1) == (
        "s-2 is not ready (BlockedByFailedLoad): ModelLoadFailed: exit code 137"
    )


@given(st.sampled_from(["", "s-1", "s-2"]), st.sampled_from(["", "s-1", "s-2"]))
def test_ready_always_names_a_revision_with_that_model(ready: str, rolled_out: str):
    observed = status(latest_ready=ready, rolled_out=rolled_out)
    if standing(observed, NEW) is Standing.READY:
        assert URIS[revision_of(observed, NEW)] == NEW


@pytest.mark.parametrize("rolled_out", ["s-1", "s-2"])
def test_a_promoted_model_is_served(rolled_out: str):
    assert standing(status(latest_ready="s-2", rolled_out=rolled_out), NEW) is Standing.READY
