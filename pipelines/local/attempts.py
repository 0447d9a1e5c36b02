"""A step runs in a fork of the warm process where it can, and once more afresh if it dies there.

A step that raises has failed, wherever it ran. One that a signal ends, or that hangs, in a fork may
owe that to the fork: it runs once more, and its log says so.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from kanaria.components.shared import private
from kanaria.pipelines.local import process
from kanaria.pipelines.local.process import Finished, Own
from kanaria.pipelines.local.warm.client import LostError, Warm
from kanaria.pipelines.local.warm.silence import HungError, Silence


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    tick: Callable[[], None],
    *,
    prepare: Callable[[], None],
    warm: Warm | None,
) -> Finished:
    """Run a command to its end.

    Args:
        command: program and arguments.
        environment: all its environment variables but TMPDIR.
        log: file for what it writes.
        tick: called several times a second.
        prepare: called before each attempt; removes what an earlier one left.
        warm: the process to fork it from, if any.
    """
    prepare()
    if warm:
        finished = _forked(warm, command, environment, log, tick)
        if isinstance(finished, Finished):
            return finished
        with private.opened(log, "a", encoding="utf-8") as file:
            file.write(f"kanaria: the step runs again in a fresh process: {finished}\n")
        prepare()
    return process.run(partial(Own, command), log, environment, tick)


def _forked(
    warm: Warm,
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    tick: Callable[[], None],
) -> Finished | str:
    """Run a command in a fork; return how it ended, or why it must run again."""
    start = partial(warm.start, command, tick)
    try:
        finished = process.run(start, log, environment, tick, Silence(log).look)
    except (LostError, HungError) as error:
        return f"in a fork of the warm process {error}"
    if finished.code < 0:
        return f"a fork of the warm process was ended by {signal.Signals(-finished.code).name}"
    return finished
