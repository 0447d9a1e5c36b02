"""One worker of a training as its step sees it: a fresh process, what it logs, how it ended."""

import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from kanaria.components.shared import errors
from kanaria.components.shared.errors import KanariaError, UserCodeError
from kanaria.components.shared.one_line import one_line
from kanaria.components.train import worker_cluster
from kanaria.components.train.reserved_ports import LOOPBACK, SHARED

logger = logging.getLogger(__name__)
MODULE = "kanaria.components.train.local_worker"
LINES = 5
LEFT_BEHIND = 1.0
"""Seconds for what a worker has written; a process that it left behind may hold its pipes open."""
UNPROXIED = "no_grpc_proxy"
"""Hosts that gRPC does not ask a proxy for, in place of those in no_proxy."""


def environment(
    addresses: Sequence[str], number: int, scratch: Path, step_variables: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of a worker: those of the step, and which worker it is.

    Args:
        addresses: host:port of each worker.
        number: of this one, from 0.
        scratch: folder for its temporary files, which a worker that is killed cannot remove.
        step_variables: variables of the step.
    """
    direct = (
        step_variables.get(UNPROXIED)
        or step_variables.get("no_proxy")
        or step_variables.get("NO_PROXY")
    )
    return {
        **step_variables,
        worker_cluster.CONFIG: worker_cluster.config(addresses, number),
        SHARED: "true",
        "TMPDIR": str(scratch),
        UNPROXIED: ",".join(filter(None, [direct, LOOPBACK])),
        # The modules of the step are found where the step finds them.
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
    }


class WorkerProcess:
    """A worker that runs.

    Attributes:
        name: in the log, e.g. "worker 1".
        is_done: whether it has trained and saved; it then waits for `release`.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        number: int,
        order: Path,
        events: "queue.Queue[WorkerProcess]",
    ) -> None:
        """Start it; it comes to `events` when it is done, and when it has ended.

        Args:
            addresses: host:port of each worker.
            number: of this one, from 0.
            order: file that says what to do.
            events: gets this object.
        """
        self.name = f"worker {number}"
        self.is_done = False
        self._events = events
        self._message = ""
        self._lines: deque[str] = deque(maxlen=LINES)
        message_end, tells = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, str(order), str(tells)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(addresses, number, order.parent, os.environ),
            pass_fds=[tells],
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        os.close(tells)
        self._log = threading.Thread(target=self._write_log, daemon=True)
        self._log.start()
        self._ears = threading.Thread(
            target=self._listen, args=[os.fdopen(message_end)], daemon=True
        )
        self._ears.start()
        threading.Thread(target=self._wait, daemon=True).start()

    def _write_log(self) -> None:
        output: Any = self._process.stdout
        for line in output:
            if line.strip():
                self._lines.append(line)
                # One call, so that lines of workers do not mix.
                sys.stderr.write(f"{self.name}: {line.rstrip()}\n")
                sys.stderr.flush()

    def _listen(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self._message = line
                if not json.loads(line):
                    self.is_done = True
                    self._events.put(self)

    def _wait(self) -> None:
        self._process.wait()
        self._ears.join(LEFT_BEHIND)
        self._events.put(self)

    @property
    def has_ended(self) -> bool:
        """Whether the process is no more."""
        return self._process.poll() is not None

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it, its own fault or not."""
        return (self._process.poll() or 0) < 0

    @property
    def lost_another(self) -> bool:
        """Whether it ended because another did not answer any more."""
        return self._process.poll() == worker_cluster.LOST

    def told_end(self) -> str:
        """Return how it ended, in words that follow its name."""
        code = self._process.wait()
        if code >= 0:
            return (
                "lost another worker"
                if code == worker_cluster.LOST
                else f"ended with exit status {code}"
            )
        return f"was killed by {signal.Signals(-code).name}"

    def last_lines(self) -> str:
        """Return the last lines that it wrote, as one."""
        self._log.join(LEFT_BEHIND)
        return one_line(" / ".join(line.strip() for line in self._lines)) or "none"

    def error(self) -> KanariaError:
        """Return the error that it told, or one that says that it told none."""
        message = {} if self.is_done or not self._message else json.loads(self._message)
        kind = getattr(errors, message.get("kind", ""), None)
        if kind is None:
            return UserCodeError(
                f"train_model: {self.name} {self.told_end()} before run_fn returned; its last "
                f"lines: {self.last_lines()}"
            )
        error: KanariaError = kind(message["message"])
        return error

    def release(self, seconds: float) -> None:
        """Let a worker that is done end; kill it if it has not after so long."""
        self._close_input()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            logger.warning("%s did not end by itself.", self.name)
            self.kill()

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        self._process.kill()
        self._process.wait()
        self._close_input()
        self._log.join(LEFT_BEHIND)

    def _close_input(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
