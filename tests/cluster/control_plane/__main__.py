"""Command line of the control plane; tests/cluster must be in PYTHONPATH.

python -m control_plane build LEVEL               fill the cache
python -m control_plane run LEVEL COMMAND...      start, run the command inside, end everything
python -m control_plane enter COMMAND...          run one more command in what runs already
"""

import argparse
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from control_plane import levels, real_node, sandbox
from control_plane.errors import ControlPlaneError
from control_plane.layout import BINARIES, CACHE, KUBECONFIG, TEMPORARY
from control_plane.processes import ended, last_lines

# Not for users: how this program starts itself.
_INSIDE = "inside"
_SWEEP = "sweep"


def main() -> int:
    """Run the command line; return the exit status."""
    arguments = _parser().parse_args()
    try:
        return _ACTIONS[arguments.action](arguments)
    except ControlPlaneError as error:
        print(error, file=sys.stderr)
        return 1


def _build(arguments: argparse.Namespace) -> int:
    with _alone("build"):
        levels.prepare(arguments.level)
    return 0


def _run(arguments: argparse.Namespace) -> int:
    level = arguments.level
    sandbox.check(levels.tools(level))
    with _alone("build"):
        levels.prepare(level)
    if level is levels.Level.SIMULATED:
        return sandbox.enter([_INSIDE, level.value, *arguments.command])
    # Two containerds cannot share what they have unpacked.
    with _alone("pods"), _sweeper():
        return sandbox.enter([_INSIDE, level.value, *arguments.command])


@contextmanager
def _alone(what: str) -> Iterator[None]:
    """Wait until nobody else on this machine does the same, and keep others waiting."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _sweeper() -> Iterator[None]:
    """Sweep when the block ends, even if this process is killed in it."""
    command = [sys.executable, "-m", "control_plane", _SWEEP]
    # The other end of its input closes when this process ends, however that happens.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield


def _sweep(_: argparse.Namespace) -> int:
    sys.stdin.read()
    real_node.sweep()
    return 0


def _inside(arguments: argparse.Namespace) -> int:
    """The second half of `run`, inside the sandbox that the first half made."""
    sandbox.furnish()
    return sandbox.reap(lambda: _supervise(arguments.level, arguments.command))


def _enter(arguments: argparse.Namespace) -> int:
    planes = sandbox.running()
    if len(planes) != 1:
        raise ControlPlaneError(f"{len(planes)} control planes run here; one is needed to enter it")
    return sandbox.join(planes[0], arguments.command, _environment())


_ACTIONS = {"build": _build, "run": _run, _INSIDE: _inside, "enter": _enter, _SWEEP: _sweep}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="control_plane")
    actions = parser.add_subparsers(dest="action", required=True)
    for name in _ACTIONS:
        action = actions.add_parser(name)
        if name not in ("enter", _SWEEP):
            action.add_argument("level", type=levels.Level)
        if name not in ("build", _SWEEP):
            action.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def _supervise(level: levels.Level, command: Sequence[str]) -> int:
    began = time.monotonic()
    try:
        levels.start(level)
    except ControlPlaneError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    print(f"control plane ready after {time.monotonic() - began:.0f} s", flush=True)
    status = subprocess.run(command, env=_environment()).returncode
    for name in ended():
        print(f"{name} ended during the run:\n{last_lines(name)}", file=sys.stderr, flush=True)
        status = status or 1
    return status


def _environment() -> dict[str, str]:
    """The caller's, but for proxies: nothing outside the sandbox can be reached."""
    variables = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {
        **variables,
        "KUBECONFIG": str(KUBECONFIG),
        "PATH": f"{BINARIES}:{os.environ['PATH']}",
        "TMPDIR": str(TEMPORARY),
    }


if __name__ == "__main__":
    sys.exit(main())
