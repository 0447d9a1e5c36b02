import asyncio
import threading
import time

import pytest

from kanaria.serving.local.predictor.model_calls import THREADS, Calls


@pytest.fixture
def gate():
    """Opened at the end, so that no thread outlives a test."""
    event = threading.Event()
    yield event
    event.set()


def blocked(calls, gate, count):
    """Start calls that last until the gate opens; return when all of them run."""
    running = threading.Barrier(count + 1)

    def work():
        running.wait()
        gate.wait()

    threads = [threading.Thread(target=lambda: asyncio.run(calls.run(work))) for _ in range(count)]
    for thread in threads:
        thread.start()
    running.wait()
    return threads


def test_calls_are_stuck_when_no_thread_is_left_for_another(gate):
    calls = Calls(stuck_seconds=0.0)
    blocked(calls, gate, THREADS - 1)
    assert not calls.stuck()
    assert asyncio.run(calls.run(lambda: 5)) == 5
    threads = blocked(calls, gate, 1)
    while not calls.stuck():
        time.sleep(0.001)
    gate.set()
    for thread in threads:
        thread.join()
    assert not calls.stuck()


def test_calls_that_have_just_begun_are_not_stuck(gate):
    calls = Calls()
    blocked(calls, gate, THREADS)
    assert not calls.stuck()


def test_what_a_call_raises_comes_to_its_caller():
    calls = Calls(stuck_seconds=0.0)
    for _ in range(THREADS + 1):
        with pytest.raises(ZeroDivisionError):
            asyncio.run(calls.run(lambda: 1 // 0))
    assert not calls.stuck()
