"""What a fork of the warm process does: what a fresh process with the same command would do."""

import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from kanaria.components.shared.process_lifeline import die_with
from kanaria.pipelines.local.warm_process.messages import Request

EXECUTOR = "kfp.dsl.executor_main"
RUNTIME = "_KFP_RUNTIME"
"""Tells kfp that it is in a step, and need not load what compiles pipelines."""
MODULE = "ephemeral_component.py"
SHELL = ("sh", "-ec")
SCRIPT = (
    'program_path=$(mktemp -d) printf "%s" "$0" > "$program_path/ephemeral_component.py" '
    f"{RUNTIME}=true python3 -m {EXECUTOR} --component_module_path "
    '"$program_path/ephemeral_component.py" "$@"'
)
"""What KFP's compiler writes as the command of a lightweight component, but for its spaces."""


def is_known(command: Sequence[str]) -> bool:
    """Tell whether a command is KFP's for a lightweight component, which a fork can follow."""
    return tuple(command[:2]) == SHELL and " ".join(command[2].split()) == SCRIPT


def detach(host: int, log: int) -> None:
    """Make this fork of process `host` the leader of a session that writes to its log alone."""
    os.setsid()
    die_with(host)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)


def wait_for(gate: int) -> None:
    """Wait until the runner lets this fork begin; end where it ends first."""
    is_wanted = os.read(gate, 1)
    os.close(gate)
    if not is_wanted:
        os._exit(1)


def run(request: Request, imported: Mapping[str, str]) -> None:
    """Become the step: its environment, folder and random numbers; then run kfp's executor.

    Args:
        request: what to become.
        imported: environment variables that imports set.
    """
    os.environ.clear()
    os.environ.update({**request.environment, **imported, RUNTIME: "true"})
    os.umask(request.umask)
    os.chdir(request.folder)
    tempfile.tempdir = None  # Whoever asked while modules were imported was told the host's.
    _scatter()
    module = Path(tempfile.mkdtemp(prefix="tmp.")) / MODULE
    module.write_text(request.command[3], encoding="utf-8")
    sys.argv = [EXECUTOR, "--component_module_path", str(module), *request.command[4:]]
    runpy.run_module(EXECUTOR, run_name="__main__", alter_sys=True)


def _scatter() -> None:
    """Give numpy random numbers of this fork's own; Python's own module sees to itself."""
    import numpy as np

    np.random.seed()  # The generator that user code without one of its own shares.
