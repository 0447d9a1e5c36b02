"""Where trials run: in this process one after another, or several at once in fresh processes.

The processes are fresh ones: a fork of a process that has loaded TensorFlow may hang. None outlives
the step, however that ends.
"""

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor

from kanaria.components.shared import process_lifeline
from kanaria.components.tune.request import TuneRequest

Submit = Callable[[Mapping[str, Any], Path, Path], "Future[Any]"]
"""(state of a trial, project of the search, working folder of the search) -> its TrialEnd to be."""
IDLE_SECONDS = 24 * 3600
"""A process that waits for the last trials of others is not ended: its imports cost more."""

_REQUESTS: list[TuneRequest] = []
"""Of the search that this process runs trials of."""


def _begin(request: TuneRequest, parent: int) -> None:
    process_lifeline.die_with(parent)
    _REQUESTS.append(request)


@functools.cache
def _run() -> Callable[..., Any]:
    """Import what a trial needs; once a process."""
    from kanaria.components.tune.lean_imports import one_trial, tuner_call

    return functools.partial(one_trial.run, tuner_call.prepared(_REQUESTS[-1]))


def _run_there(state: Mapping[str, Any], project: Path, working: Path) -> Any:
    return _run()(state, project, working)


def _done(result: Any) -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_result(result)
    return future


@contextmanager
def opened(request: TuneRequest, here: Callable[..., Any]) -> Iterator[Submit]:
    """Yield what runs trials, `parallel_trials` at once; its processes end with the block.

    Args:
        request: what is searched.
        here: runs a trial in this process.
    """
    if request.parallel_trials == 1:
        yield lambda *arguments: _done(here(*arguments))
        return
    pool = ProcessPoolExecutor(
        request.parallel_trials,
        timeout=IDLE_SECONDS,
        initializer=_begin,
        initargs=(request, os.getpid()),
    )
    try:
        yield functools.partial(pool.submit, _run_there)
    finally:
        pool.shutdown(wait=True, kill_workers=True)
