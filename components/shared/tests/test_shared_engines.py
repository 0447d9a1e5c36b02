"""An engine gives the same states however the rows are cut into partitions."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.engines.accumulate import Pass
from kanaria.components.shared.engines.local import LocalEngine


class Total:
    def create(self) -> int:
        return 0

    def add(self, state: int, batch: Sequence[int]) -> int:
        return state + sum(batch)

    def merge(self, states: Sequence[int]) -> int:
        return sum(states)

    def extract(self, state: int) -> int:
        return state


class Last(Total):
    """The rows' order matters to it."""

    def add(self, state: int, batch: Sequence[int]) -> int:
        return batch[-1] if batch else state

    def merge(self, states: Sequence[int]) -> int:
        return states[-1]


def halves(partition: Sequence[int]) -> list[Sequence[int]]:
    middle = len(partition) // 2
    return [partition[:middle], partition[middle:]]


WORK = Pass(read=halves, accumulators=(Total(), Last()))


@given(st.lists(st.lists(st.integers(), min_size=1), min_size=1))
def test_states_are_those_of_all_rows_in_their_order(partitions):
    rows = [row for partition in partitions for row in partition]
    assert LocalEngine().states(WORK, partitions) == [sum(rows), rows[-1]]


def test_results_of_partitions_come_in_their_order():
    assert LocalEngine().each(len, [[1, 2], [], [3]]) == [2, 0, 1]


def test_an_error_of_a_partition_is_raised_as_it_is():
    with pytest.raises(ZeroDivisionError):
        LocalEngine().each(lambda number: 1 / number, [1, 0])
