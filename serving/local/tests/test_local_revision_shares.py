from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.local.controller.revision_shares import Rollout, advance, traffic, wanted

NAMES = ("r1", "r2", "r3")


def shares(rollout):
    return {share.revision: share.percent for share in traffic(advance(rollout))}


def rollout(created=NAMES[:2], ready=NAMES[:2], percent=None, stable="r1", previous=""):
    return Rollout(
        created=tuple(created),
        ready=frozenset(ready),
        percent=percent,
        stable=stable,
        previous=previous,
    )


def test_nothing_ready_gets_nothing():
    assert shares(rollout(ready=(), stable="")) == {}


def test_the_first_ready_revision_gets_all_even_at_zero_percent():
    assert shares(rollout(created=("r1",), ready=("r1",), percent=0, stable="")) == {"r1": 100}


def test_a_canary_gets_its_percentage():
    assert shares(rollout(percent=10)) == {"r2": 10, "r1": 90}


def test_a_full_or_unset_percentage_promotes_the_newest():
    for percent in (100, None):
        promoted = advance(rollout(percent=percent))
        assert (promoted.stable, promoted.previous) == ("r2", "r1")
        assert shares(promoted) == {"r2": 100}


def test_zero_after_a_promotion_restores_the_previous():
    restored = advance(rollout(percent=0, stable="r2", previous="r1"))
    assert restored.stable == "r1"
    assert shares(restored) == {"r2": 0, "r1": 100}


def test_a_revision_that_never_became_ready_leaves_the_stable_alone():
    for percent in (None, 0, 10, 100):
        assert shares(rollout(ready=("r1",), percent=percent)) == {"r1": 100}


def test_as_in_kserve_a_raised_percentage_goes_to_the_newest_ready_one():
    """The reason why a new model is staged at 0 % (kserve issue 2130)."""
    assert shares(rollout(created=NAMES, percent=10)) == {"r2": 10, "r1": 90}


@st.composite
def rollouts(draw):
    created = NAMES[: draw(st.integers(0, 3))]
    ready = draw(st.frozensets(st.sampled_from(created))) if created else frozenset()
    stable = draw(st.sampled_from(("", *sorted(ready))))
    previous = draw(st.sampled_from(("", *sorted(ready - {stable})))) if stable else ""
    percent = draw(st.none() | st.integers(0, 100))
    return Rollout(created=created, ready=ready, percent=percent, stable=stable, previous=previous)


@given(rollouts())
def test_shares_sum_to_100_and_none_is_unready(drawn):
    revision_shares = traffic(advance(drawn))
    assert sum(share.percent for share in revision_shares) == (100 if drawn.ready else 0)
    assert {share.revision for share in revision_shares} <= drawn.ready


@given(rollouts())
def test_advancing_twice_changes_nothing_more(drawn):
    once = advance(drawn)
    assert advance(once) == once


@given(rollouts())
def test_what_is_routed_and_what_is_newest_must_run(drawn):
    running = wanted(advance(drawn))
    assert {share.revision for share in traffic(advance(drawn))} <= running
    assert set(drawn.created[-1:]) <= running
