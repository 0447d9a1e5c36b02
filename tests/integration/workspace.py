"""Runs the real command line on taxi-shaped data; every file is made here."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

KANARIA = Path(sys.executable).with_name("kanaria")
KEEP_MINUTES = "30"
START_SECONDS = 600
"""A bound, not a measure: a machine may be slow, and compute other things too."""


def groups_that_write(log: str) -> set[int]:
    """Return the groups of processes whose standard output is a file."""
    groups = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str((folder / "fd/1").readlink()) == log:
                groups.add(os.getpgid(int(folder.name)))
        except OSError:
            continue  # It ended while we looked.
    return groups


@dataclass(frozen=True)
class Finished:
    """What a run printed, its exit code, and the state of each of its tasks."""

    code: int
    output: str
    errors: str
    states: dict[str, str]


@dataclass(frozen=True)
class Workspace:
    """A folder with data, module and configuration, as a user would have them.

    Attributes:
        folder: where they are.
        runtime: where a run finds the training process that an earlier one kept; None lets each
            run start its own.
    """

    folder: Path
    runtime: Path | None = None

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def temporary(self) -> Path:
        """What stands for the system's folder of temporary files."""
        path = self.folder / "tmp"
        path.mkdir(exist_ok=True)
        return path

    @property
    def environment(self) -> dict[str, str]:
        own = {**os.environ, "TMPDIR": str(self.temporary)}
        if self.runtime is None:
            return own
        # A kept process serves runs in its own environment alone, and pytest names each test in it.
        own = {name: value for name, value in own.items() if not name.startswith("PYTEST_")}
        return {**own, "XDG_RUNTIME_DIR": str(self.runtime)}

    def command(self, *settings: str) -> list[str]:
        command = [str(KANARIA), "run", "train_and_deploy", "--root", str(self.root)]
        command += ["--config", str(self.folder / "train.yaml")]
        command += ["--keep-warm", KEEP_MINUTES] if self.runtime else []
        for setting in (f"data={self.folder / 'taxi.csv'}", *settings):
            command += ["--set", setting]
        return command

    def newest_run(self) -> Path | None:
        """Return the folder of the newest run, if there is one."""
        records = sorted(self.root.glob("runs/*/run.json"), key=lambda path: path.stat().st_mtime)
        return records[-1].parent if records else None

    def newest(self) -> dict[str, str]:
        """Return task -> state of the newest run, empty before there is one."""
        folder = self.newest_run()
        if folder is None:
            return {}
        tasks = json.loads((folder / "run.json").read_text())["tasks"]
        return {task["name"].rpartition("/")[2]: task["state"] for task in tasks}

    def run(self, *settings: str) -> Finished:
        return self.finished(self.command(*settings))

    def watched(self, data: Path, *settings: str) -> Finished:
        """Compare new data with what the live model was trained on."""
        command = [str(KANARIA), "run", "watch_for_drift", "--root", str(self.root)]
        for setting in (f"data={data}", "service.name=taxi-tips", *settings):
            command += ["--set", setting]
        return self.finished(command)

    def finished(self, command: list[str]) -> Finished:
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        return Finished(done.returncode, done.stdout, done.stderr, self.newest())

    def killed_in(self, step: str) -> Finished:
        """Run, and kill -9 every process of `step` as soon as it is at work.

        One that was forked runs again in a fresh process, which is killed, too.
        """
        before = set(self.root.glob("runs/*"))
        runner = subprocess.Popen(
            self.command(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        while set(self.root.glob("runs/*")) == before or self.newest().get(step) != "running":
            assert runner.poll() is None, runner.communicate()
            time.sleep(0.01)
        log = str(max(self.root.glob("runs/*")) / step / "log.txt")
        while runner.poll() is None and self.newest().get(step) == "running":
            for group in groups_that_write(log):
                os.killpg(group, signal.SIGKILL)
            time.sleep(0.005)
        output, errors = runner.communicate()
        return Finished(runner.returncode, output, errors, self.newest())

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Run the local server over the workspace's services; yield its URL."""
        state = self.root / "serving"
        state.mkdir(parents=True, exist_ok=True)
        file = state / "server.json"
        file.unlink(missing_ok=True)
        command = [str(KANARIA), "serve", "--state", str(state), "--port", "0"]
        process = subprocess.Popen(command, env=self.environment)
        try:
            while not file.exists():
                assert process.poll() is None
                time.sleep(0.1)
            yield json.loads(file.read_text())["url"]
        finally:
            process.terminate()
            process.wait()

    def until_ready(self, url: str) -> None:
        """Wait until every service answers."""
        deadline = time.monotonic() + START_SECONDS
        while not all(s["ready"] for s in httpx.get(url).json()["services"]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
