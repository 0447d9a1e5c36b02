"""Starts runs on this machine, as `kanaria run` does: each is a process that outlives the server.

The process makes the folder of its run, which one process alone can: of two that are to make the
same run, the later one ends at once. So a server that is killed while it starts a run may start it
again.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from kanaria.components.shared.artifacts.trigger_cause import PARAMETER
from kanaria.components.shared.errors import NotReadyError, UserCodeError
from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local import arguments, record
from kanaria.pipelines.local.launch import MODEL_ROOT
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.record import State
from kanaria.pipelines.triggers import run_values
from kanaria.serving.drift_token import TRIGGER
from kanaria.serving.triggers.starter import Begun, Order, RunEnd
from kanaria.serving.triggers.trigger_file import Runs, Start

BEGIN_SECONDS, POLL_SECONDS = 120.0, 0.1
"""For a process to make its run's folder, imports included."""
UNWRITTEN_SECONDS = 60.0
"""After which a run whose folder has no record is one whose process was killed."""
LOGS = "triggers"
ERROR = "error: "
SECRETS = (TRIGGER.token, TRIGGER.file)
"""What a run has no business with."""


class LocalStarter:
    """Starts runs under one root."""

    def __init__(self, runs: Runs) -> None:
        """Start runs as `runs` says."""
        self._runs = runs
        self._root = Root(path=Path(runs.root).resolve())
        self._processes: list[subprocess.Popen[bytes]] = []

    def check(self, start: Start) -> None:
        """Raise a ParameterError where a pipeline or its parameters are wrong."""
        plan = run_values.plan_of(start)
        values = run_values.values(start, {}, plan)
        if MODEL_ROOT in plan.parameters:
            values.setdefault(MODEL_ROOT, str(self._root.models))
        arguments.checked(plan, values)

    def find(self, order: Order) -> Begun | None:
        """Return the run that has the order's name, None where there is none."""
        folder = self._root.runs / order.run_name
        return self._begun(order.run_name) if folder.is_dir() else None

    def _begun(self, run_name: str) -> Begun:
        return Begun(run_id=run_name, link=str(self._root.runs / run_name / "index.html"))

    def start(self, order: Order) -> Begun:
        """Start a run, and wait until its folder is there."""
        log = owner_only_files.folder(self._root.path / LOGS) / f"{order.run_name}.txt"
        environment = {name: v for name, v in os.environ.items() if name not in SECRETS}
        with owner_only_files.opened(log, "wb") as output:
            process = subprocess.Popen(
                self._command(order),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,  # Ctrl-C at the server is not meant for the run.
            )
        self._processes = [one for one in (*self._processes, process) if one.poll() is None]
        deadline = time.monotonic() + BEGIN_SECONDS
        while (begun := self.find(order)) is None:
            if process.poll() is not None:
                raise UserCodeError(f"run {order.run_name}: {_cause(log)}")
            if time.monotonic() > deadline:
                raise NotReadyError(f"run {order.run_name}: not begun yet; see {log}")
            time.sleep(POLL_SECONDS)
        return begun

    def _command(self, order: Order) -> list[str]:
        start = order.start
        plan = run_values.plan_of(start)
        cause = [f"{PARAMETER}={json.dumps(order.cause)}"] if run_values.is_told(plan) else []
        command = [str(Path(sys.executable).with_name("kanaria")), "run", start.pipeline]
        command += ["--config", start.config] if start.config else []
        for setting in (*run_values.settings(start), *cause):
            command += ["--set", setting]
        command += ["--root", str(self._root.path), "--run-name", order.run_name]
        copies = self._runs.pipeline_root
        return command + (["--pipeline-root", copies] if copies else [])

    def ended(self, run_id: str) -> tuple[RunEnd, str] | None:
        """Return how a run ended, and why where it failed; None while it goes on."""
        self._processes = [one for one in self._processes if one.poll() is None]
        folder = self._root.runs / run_id
        if not folder.is_dir():
            return RunEnd.FAILED, "its folder was removed"
        run = record.read(folder)
        if run is None:
            is_old = time.time() - folder.stat().st_mtime > UNWRITTEN_SECONDS
            return (RunEnd.FAILED, "it has no record that can be read") if is_old else None
        if run.state is State.RUNNING:
            return None
        if run.state is State.SUCCEEDED:
            return RunEnd.SUCCEEDED, ""
        causes = [f"{task.name}: {task.cause}" for task in run.tasks if task.cause]
        return RunEnd.FAILED, "; ".join(causes) or run.state.value

    def under_way(self, start: Start) -> str:
        """Return the name of a run of the pipeline that goes on, whoever started it; "" if none."""
        name = run_values.plan_of(start).name
        going = [
            run.run_id
            for run in record.all_runs(self._root.runs)
            if run.pipeline == name and run.state is State.RUNNING
        ]
        return going[-1] if going else ""


def _cause(log: Path) -> str:
    """Return what a process that has ended said last."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix(ERROR) for line in lines if line.startswith(ERROR)]
    return (errors or lines or ["it said nothing"])[-1]
