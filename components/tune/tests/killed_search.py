"""Runs a search in a child that is killed with SIGKILL, again and again, until one ends.

A script. Reads {"request": fields of TuneRequest, "made": folder, "kills": [...]} from standard
input and writes how the children ended. A kill is {"trials": n}, in the middle of the n-th trial of
that child, or {"flushes": n}, while the n-th file is flushed to the disk, so before a rename.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from kanaria.components.tune.lean_imports import Targets, TuneRequest, one_trial, tune

PATHS = ("examples", "transformed_examples", "schema", "transform_graph")


def kill_at_trial(number: int) -> None:
    run, trials = one_trial.user_module.call, []

    def counted(function: Any, *arguments: Any, **named: Any) -> Any:
        trials.extend([function] if function.__name__ == "run_trial" else [])
        if len(trials) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(function, *arguments, **named)

    one_trial.user_module.call = counted


def kill_at_flush(number: int) -> None:
    flush, descriptors = os.fsync, []

    def counted(descriptor: int) -> None:
        descriptors.append(descriptor)
        if len(descriptors) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(descriptor)

    os.fsync = counted


def child(fields: dict[str, Any], made: Path, kill: dict[str, int]) -> None:
    if "trials" in kill:
        kill_at_trial(kill["trials"])
    if "flushes" in kill:
        kill_at_flush(kill["flushes"])
    request = TuneRequest(**fields | {name: Path(fields[name]) for name in PATHS})
    tune(request, Targets(made / "best", made / "results", made / "report.html"))
    os._exit(0)


def main() -> None:
    plan = json.load(sys.stdin)
    ends = []
    for kill in [*plan["kills"], {}]:
        pid = os.fork()
        if not pid:
            try:
                child(plan["request"], Path(plan["made"]), kill)
            finally:
                os._exit(1)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    print(json.dumps(ends))


if __name__ == "__main__":
    main()
