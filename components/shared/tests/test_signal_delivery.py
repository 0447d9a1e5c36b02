"""A signal stops a command that waits for something that never comes."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from kanaria.components.shared.command_line import Stopped
from kanaria.components.shared.signal_delivery import PATIENCE_SECONDS, delivered

WAITS = """
import signal, threading
from kanaria.components.shared import command_line

def by_another_thread():
    # What the system does when the main thread cannot take it: the wait is not interrupted.
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

def command():
    threading.Timer(0.1, by_another_thread).start()
    threading.Event().wait()

raise SystemExit(command_line.code_of(command))
"""


def stop(number: int) -> None:
    raise Stopped(number)


def test_a_command_that_waits_without_end_is_stopped_by_a_signal_that_another_thread_was_given():
    ended = subprocess.run(
        [sys.executable, "-c", WAITS], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (143, "stopped by SIGTERM\n")


def test_a_signal_is_handled_once():
    numbers = []
    with delivered([signal.SIGTERM], numbers.append):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(4 * PATIENCE_SECONDS)
    assert numbers == [signal.SIGTERM]


def test_each_of_two_signals_is_handled():
    numbers = []
    with delivered([signal.SIGTERM, signal.SIGINT], numbers.append):
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
            time.sleep(4 * PATIENCE_SECONDS)
    assert numbers == [signal.SIGTERM, signal.SIGINT]


def test_a_handler_that_a_server_sets_is_called_once():
    numbers = []
    with delivered([signal.SIGTERM], stop):
        signal.signal(signal.SIGTERM, lambda number, _: numbers.append(number))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(4 * PATIENCE_SECONDS)
    assert numbers == [signal.SIGTERM]


def test_what_was_there_before_is_there_again():
    before, threads = signal.getsignal(signal.SIGTERM), threading.active_count()
    with pytest.raises(Stopped), delivered([signal.SIGTERM], stop):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1
    while threading.active_count() > threads:
        time.sleep(0.01)
