"""Processes of this machine give what one process gives, to the last bit."""

import os
from collections.abc import Iterator

import pytest
from engine_work import READERS, REFUSED, SUMS, Rows, halved, killed, partitions

from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.engines.processes import ProcessEngine
from kanaria.components.shared.errors import DataError, NotReadyError


@pytest.fixture
def engine() -> Iterator[ProcessEngine]:
    two_processes = ProcessEngine(2)
    yield two_processes
    two_processes.close()


def test_states_are_those_of_one_process_to_the_last_bit(engine: ProcessEngine):
    parts = partitions(20)
    assert engine.states(SUMS, parts) == LocalEngine().states(SUMS, parts)


def test_the_work_is_done_in_other_processes_and_these_end(engine: ProcessEngine):
    [readers] = engine.states(READERS, partitions(6, seconds=0.2))
    assert len(dict(readers)) == 2
    assert os.getpid() not in dict(readers)
    engine.close()
    for process in dict(readers):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_results_come_in_the_order_of_the_partitions(engine: ProcessEngine):
    parts = [Rows((float(number),), seconds=0.2 * (number == 0)) for number in range(6)]
    assert engine.each(halved, parts) == [number / 2 for number in range(6)]


def test_what_the_work_finds_wrong_is_raised_as_it_is(engine: ProcessEngine):
    with pytest.raises(DataError, match=r"^row -3\.0: below 0"):
        engine.states(REFUSED, [Rows((1.0,)), Rows((-3.0,))])


def test_a_process_that_was_killed_is_told_with_a_remedy(engine: ProcessEngine):
    with pytest.raises(NotReadyError, match=r"one of the 2 processes .* was killed.*workers below"):
        engine.each(killed, partitions(2))
