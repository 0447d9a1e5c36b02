"""A Spark cluster gives what one process gives, to the last bit."""

from pathlib import Path

import pytest
from engine_work import READERS, REFUSED, SUMS, Rows, halved, partitions, ratio

from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.engines.spark import SparkEngine
from kanaria.components.shared.errors import DataError


@pytest.mark.parametrize("count", [1, 2, 8, 9, 65])
def test_states_are_those_of_one_process_to_the_last_bit(engine: SparkEngine, count: int):
    parts = partitions(count)
    assert engine.states(SUMS, parts) == LocalEngine().states(SUMS, parts)


def test_no_partitions_and_partitions_without_rows_give_the_state_of_no_rows(engine: SparkEngine):
    assert engine.states(SUMS, []) == [0.0, ()]
    assert engine.states(SUMS, [Rows(()), Rows((2.0,)), Rows(())]) == [2.0, (2.0,)]
    assert engine.each(halved, []) == []


def test_results_of_partitions_come_in_their_order(engine: SparkEngine):
    parts = [Rows((float(number),), seconds=0.2 * (number == 0)) for number in range(12)]
    assert engine.each(halved, parts) == [number / 2 for number in range(12)]


def test_both_workers_take_part(engine: SparkEngine):
    [readers] = engine.states(READERS, partitions(6, seconds=1.0))
    assert len({parent for _, parent in readers}) == 2


def test_what_the_work_finds_wrong_is_raised_as_it_is_and_once(engine: SparkEngine, tmp_path: Path):
    wrong = Rows((-3.0,), started=str(tmp_path))
    with pytest.raises(DataError) as refused:
        engine.states(REFUSED, [Rows((1.0,)), wrong])
    assert str(refused.value) == "row -3.0: below 0"
    with pytest.raises(ZeroDivisionError) as raised:
        engine.each(ratio, [Rows((1.0,)), Rows((0.0,))])
    assert "in ratio" in raised.value.__notes__[0]
