"""Runs trainings in children that are killed with SIGKILL and started again until they end.

A script, since a process may fork safely only before TensorFlow computes anything. Reads a plan
from standard input, {"request": fields of TrainRequest, "runs": [{"model": path, "kills": [...]}]},
and writes [[how each child ended, ...] for each run] to standard output. A kill is

    {"epochs": n, "seconds": s}   s seconds after the n-th epoch's checkpoint is there
    {"flushes": n}                while the n-th file is flushed to the disk, so before a rename
    {"puts": n}                   before the n-th object is sent to an object store
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import urllib3.connection

from kanaria.components.train.train import TrainRequest, train

PATHS = ("examples", "transformed_examples", "schema", "transform_graph")


def kill_at_flush(number: int) -> None:
    flush, descriptors = os.fsync, []

    def counted(descriptor: int) -> None:
        descriptors.append(descriptor)
        if len(descriptors) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(descriptor)

    os.fsync = counted


def kill_at_put(number: int) -> None:
    request, puts = urllib3.connection.HTTPConnection.request, []

    def counted(connection: Any, method: str, *arguments: Any, **named: Any) -> None:
        puts.extend([method] if method == "PUT" else [])
        if len(puts) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        request(connection, method, *arguments, **named)

    urllib3.connection.HTTPConnection.request = counted


def child(fields: dict[str, Any], model: Path, kill: dict[str, Any]) -> None:
    if "flushes" in kill:
        kill_at_flush(kill["flushes"])
    if "puts" in kill:
        kill_at_put(kill["puts"])
    request = TrainRequest(**fields | {name: Path(fields[name]) for name in PATHS})
    train(request, model, model.with_name(f"{model.name}_logs"))
    os._exit(0)


def last_epoch(checkpoints: Path) -> int:
    return max((int(path.name[-6:]) for path in checkpoints.glob("epoch-*")), default=0)


def end_of(pid: int, checkpoints: Path, kill: dict[str, Any]) -> int:
    """Return the child's exit status, or minus the number of the signal that ended it."""
    while "epochs" in kill:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if last_epoch(checkpoints) >= kill["epochs"]:
            time.sleep(kill["seconds"])
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(fields: dict[str, Any], model: Path, kills: list[dict[str, Any]]) -> list[int]:
    ends = []
    for kill in [*kills, {}]:
        pid = os.fork()
        if not pid:
            try:
                child(fields, model, kill)
            finally:
                os._exit(1)
        ends.append(end_of(pid, Path(fields["model_run_dir"]) / "checkpoints", kill))
    return ends


def main() -> None:
    plan = json.load(sys.stdin)
    ends = []
    for each in plan["runs"]:
        model = Path(each["model"])
        place = {"model_run_dir": each.get("model_run_dir", f"{model}_run")}
        ends.append(run(plan["request"] | place, model, each["kills"]))
    print(json.dumps(ends))


if __name__ == "__main__":
    main()
