"""A real trigger server in a process of its own, which may be killed by itself at one step.

python trigger_process.py STEP CONFIG STORE
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

STEPS = (
    "before the event is stored",
    "after the event is stored",
    "before it is decided on",
    "before the run is started",
    "while the run is started",
    "after the run is started",
    "after the run is recorded",
)
NEVER = "never"
PATIENCE = 120


def killed(function: Callable[..., Any], *, after: bool, when: Callable[..., bool]) -> Any:
    """Return a function that kills its process before or after it does its work."""

    def call(*arguments: Any, **named: Any) -> Any:
        if after:
            function(*arguments, **named)
        if when(*arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return None if after else function(*arguments, **named)

    return call


def _always(*_: Any) -> bool:
    return True


def arm(step: str) -> None:
    """Let this process kill itself at a step."""
    from kanaria.pipelines.submit.kfp_client import Server
    from kanaria.pipelines.triggers import kfp_starter, local_starter
    from kanaria.serving.triggers.trigger_states import TriggerState
    from kanaria.serving.triggers.trigger_store import TriggerStore

    def patch(owner: Any, name: str, after: bool, when: Callable[..., bool] = _always) -> None:
        setattr(owner, name, killed(getattr(owner, name), after=after, when=when))

    def to(state: TriggerState) -> Callable[..., bool]:
        return lambda *arguments: arguments[2] is state

    starters = (local_starter.LocalStarter, kfp_starter.KfpStarter)
    patches: dict[str, list[tuple[Any, ...]]] = {
        STEPS[0]: [(TriggerStore, "keep", False)],
        STEPS[1]: [(TriggerStore, "keep", True)],
        STEPS[2]: [(TriggerStore, "move", False, to(TriggerState.STARTING))],
        STEPS[3]: [(starter, "start", False) for starter in starters],
        # The process of the run is there, or the pipeline is, and nobody knows of a run.
        STEPS[4]: [(subprocess, "Popen", True), (Server, "version", True)],
        STEPS[5]: [(starter, "start", True) for starter in starters],
        STEPS[6]: [(TriggerStore, "move", True, to(TriggerState.RUNNING))],
    }
    for one in patches[step]:
        patch(*one)


class TriggerProcess:
    """A server that was started."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log

    @property
    def url(self) -> str:
        """Where it listens; waits until it does."""
        return self.said("listening on ").partition(";")[0]

    def said(self, text: str) -> str:
        """Wait until it says `text`, and return what follows in that line."""
        end = time.monotonic() + PATIENCE
        while text not in (log := self.log.read_text()):
            assert self.process.poll() is None and time.monotonic() < end, log
            time.sleep(0.05)
        return log.partition(text)[2].partition("\n")[0]

    def post(self, path: str, **options: Any) -> int:
        """Send something; return the code of the answer, 0 where none came."""
        try:
            return httpx.post(f"{self.url}{path}", timeout=PATIENCE, **options).status_code
        except httpx.TransportError:
            return 0

    def listed(self) -> list[dict[str, Any]]:
        """Return what became of what came."""
        return list(httpx.get(f"{self.url}/triggers", timeout=PATIENCE).json())

    def settled(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait until everything that came is over, and return it."""
        end = time.monotonic() + PATIENCE
        over = {"succeeded", "failed", "refused"}
        while len(rows := self.listed()) < count or {row["state"] for row in rows} - over:
            assert self.process.poll() is None and time.monotonic() < end, rows
            time.sleep(0.1)
        return rows


@contextmanager
def running(config: Path, store: str, step: str = NEVER, **environment: str) -> Iterator[Any]:
    """Run a server for the block's time."""
    log = config.with_name(f"server-{time.monotonic_ns()}.log")
    command = [sys.executable, "-I", __file__, step, str(config), store]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **environment}
        )
    try:
        yield TriggerProcess(process, log)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    from kanaria.pipelines import cli

    step, config, store = sys.argv[1:]
    if step != NEVER:
        arm(step)
    sys.argv = ["kanaria", "trigger", "serve", "--config", config, "--store", store, "--port", "0"]
    cli.main()


if __name__ == "__main__":
    main()
