"""An engine gives the same states however the rows are cut into partitions."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.engines import accumulate
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


class Groups(Total):
    """Its state tells how states were merged."""

    def create(self) -> object:
        return ()

    def add(self, _state: object, batch: Sequence[int]) -> object:
        return batch[0]

    def merge(self, states: Sequence[object]) -> object:
        return tuple(states)


GROUPS = Pass(read=lambda partition: [partition], accumulators=(Groups(),))


def level_by_level(members: list[object]) -> object:
    while len(members) > 1:
        groups = [members[at : at + 8] for at in range(0, len(members), 8)]
        members = [tuple(group) if len(group) > 1 else group[0] for group in groups]
    return members[0]


@given(st.integers(1, 600))
def test_neighbours_are_merged_by_eights_whatever_the_engine(count):
    [state] = LocalEngine().states(GROUPS, [[number] for number in range(count)])
    assert state == level_by_level(list(range(count)))


def test_a_pass_holds_few_states_at_a_time():
    alive: list[int] = []

    class Held:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    class Counting(Total):
        most = 0

        def merge(self, _states: Sequence[object]) -> Held:
            Counting.most = max(Counting.most, len(alive))
            return Held()

    work = Pass(read=list, accumulators=(Counting(),))
    accumulate.merged(work, ([Held()] for _ in range(4096)))
    assert Counting.most < 8 * 5


def test_no_partitions_give_the_state_of_no_rows():
    assert LocalEngine().states(WORK, []) == [0, 0]


def test_results_of_partitions_come_in_their_order():
    assert LocalEngine().each(len, [[1, 2], [], [3]]) == [2, 0, 1]


def test_an_error_of_a_partition_is_raised_as_it_is():
    with pytest.raises(ZeroDivisionError):
        LocalEngine().each(lambda number: 1 / number, [1, 0])
