"""A step runs in a fork of the warm process where it can, and once more afresh if it dies there.

A step that raises has failed, wherever it ran. One that a signal ends, or that hangs, in a fork may
owe that to the fork: it runs once more, and its log says so.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local import step_process
from kanaria.pipelines.local.step_process import Finished, Own, Start
from kanaria.pipelines.local.warm_process import hang_detector
from kanaria.pipelines.local.warm_process.client import LostError
from kanaria.pipelines.local.warm_process.hang_detector import HungError, Silence


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    tick: Callable[[], None],
    *,
    prepare: Callable[[], None],
    fork: Start | None,
) -> Finished:
    """Run a command to its end.

    Args:
        command: program and arguments.
        environment: all its environment variables but TMPDIR.
        log: file for what it writes.
        tick: called several times a second.
        prepare: called before each attempt; removes what an earlier one left.
        fork: does the same in a fork of the warm process, if there is one.
    """
    prepare()
    if fork:
        finished = _forked(fork, log, environment, tick)
        if isinstance(finished, Finished):
            return finished
        with owner_only_files.opened(log, "a", encoding="utf-8") as file:
            file.write(f"kanaria: the step runs again in a fresh process: {finished}\n")
        prepare()
    return step_process.run(partial(Own, command), log, environment, tick)


def _forked(
    fork: Start, log: Path, environment: Mapping[str, str], tick: Callable[[], None]
) -> Finished | str:
    """Run a command in a fork; return how it ended, or why it must run again."""
    look = Silence(log, hang_detector.STEP_SECONDS).look
    try:
        finished = step_process.run(fork, log, environment, tick, look)
    except LostError as error:
        return str(error)
    except HungError as error:
        return f"in a fork of the warm process {error}"
    if finished.code < 0:
        return f"a fork of the warm process was ended by {signal.Signals(-finished.code).name}"
    return finished
