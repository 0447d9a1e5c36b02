"""Intervals of effects."""

from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.drift.effect_sizes import wilson


@given(rows=st.integers(1, 10_000), part=st.floats(0, 1))
def test_a_share_lies_within_its_interval(rows: int, part: float):
    share, low, high = wilson(round(part * rows), rows)
    assert 0 <= low <= share <= high <= 1


def test_no_ones_begin_at_nothing():
    assert wilson(0, 789)[1] == 0
