"""Command line of the control plane; tests/cluster must be in PYTHONPATH.

    python -m control_plane build LEVEL               fill the cache
    python -m control_plane run LEVEL COMMAND...      start, run the command inside, end everything
    python -m control_plane enter COMMAND...          run one more command in what runs already
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from control_plane import levels, sandbox
from control_plane.errors import ControlPlaneError
from control_plane.layout import BINARIES, KUBECONFIG, TEMPORARY
from control_plane.processes import ended, last_lines

_INSIDE = "inside"


def main() -> int:
    """Run the command line; return the exit status."""
    arguments = _parser().parse_args()
    try:
        return _ACTIONS[arguments.action](arguments)
    except ControlPlaneError as error:
        print(error, file=sys.stderr)
        return 1


def _build(arguments: argparse.Namespace) -> int:
    levels.prepare(arguments.level)
    return 0


def _run(arguments: argparse.Namespace) -> int:
    sandbox.check()
    levels.prepare(arguments.level)
    return sandbox.enter([_INSIDE, arguments.level.value, *arguments.command])


def _inside(arguments: argparse.Namespace) -> int:
    """The second half of `run`, inside the sandbox that the first half made."""
    sandbox.furnish()
    return sandbox.reap(lambda: _supervise(arguments.level, arguments.command))


def _enter(arguments: argparse.Namespace) -> int:
    found = sandbox.running()
    if len(found) != 1:
        raise ControlPlaneError(f"{len(found)} control planes run here; one is needed to enter it")
    return sandbox.join(found[0], arguments.command, _environment())


_ACTIONS = {"build": _build, "run": _run, _INSIDE: _inside, "enter": _enter}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="control_plane")
    actions = parser.add_subparsers(dest="action", required=True)
    for name in _ACTIONS:
        action = actions.add_parser(name)
        if name != "enter":
            action.add_argument("level", type=levels.Level)
        if name != "build":
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
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {
        **kept,
        "KUBECONFIG": str(KUBECONFIG),
        "PATH": f"{BINARIES}:{os.environ['PATH']}",
        "TMPDIR": str(TEMPORARY),
    }


if __name__ == "__main__":
    sys.exit(main())
