"""The interval of a share."""

from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.wilson_interval import wilson


@given(share=st.floats(0, 1), rows=st.integers(1, 10_000))
def test_a_share_lies_within_its_interval(share: float, rows: int):
    low, high = wilson(share, rows)
    assert 0 <= low <= share <= high <= 1


def test_the_interval_of_nothing_begins_at_nothing():
    assert wilson(0, 789)[0] == 0
