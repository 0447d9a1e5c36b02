"""A real Spark cluster of this machine, for tests: a master and workers, each a process."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import engine_work
import pyspark

SPARK_CLASS = Path(pyspark.__file__).parent / "bin/spark-class"
PATIENCE = 300
"""Seconds for a JVM to start on a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """A process of the cluster, and what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self, pattern: str) -> re.Match[str]:
        """Return the first match in its log, as soon as it is there."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if match := re.search(pattern, self.log.read_text()):
                return match
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            time.sleep(0.1)
        raise AssertionError(f"not said in {PATIENCE} s: {pattern}\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """Kill it and all that it started, as a machine that is gone."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running cluster: its master's URL, and its workers."""

    master: str
    workers: list[Started] = field(default_factory=list)

    def settings(self, **more: str) -> dict[str, str]:
        """Return the settings of a session on it, as a user writes them."""
        return {
            "spark.master": self.master,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.executor.memory": "1g",
            "spark.executor.cores": "1",
            # The work of the tests is no part of Kanaria.
            "spark.executorEnv.PYTHONPATH": str(Path(engine_work.__file__).parent),
            **{name.replace("_", "."): value for name, value in more.items()},
        }


def _start(folder: Path, name: str, arguments: Sequence[str], hidden: Path | None) -> Started:
    log = folder / f"{name}.log"
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [str(SPARK_CLASS), f"org.apache.spark.deploy.{arguments[0]}", *arguments[1:]]
    if hidden:
        # A view of the files in which that folder is empty, as it is on another machine.
        view = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
        command = [*view, 'mount -t tmpfs none "$0" && exec "$@"', str(hidden), *command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env=environment,
            cwd="/",
            # A group of its own is what a test kills.
            start_new_session=True,
        )
    return Started(process=process, log=log)


@contextmanager
def cluster(folder: Path, workers: int = 2, hidden: Path | None = None) -> Iterator[Cluster]:
    """Run a master and workers of one core and 2 GB, on free ports of 127.0.0.1.

    Args:
        folder: where logs and the executors' files go.
        workers: how many.
        hidden: a folder that the workers do not see.
    """
    common = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
    started = [_start(folder, "master", ["master.Master", *common], None)]
    try:
        master = started[0].said(r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")[1]
        started_cluster = Cluster(master=master)
        for number in range(workers):
            room = folder / f"worker-{number}"
            room.mkdir()
            own = ["--cores", "1", "--memory", "2g", "-d", str(room), master]
            arguments = ["worker.Worker", *common, *own]
            started_cluster.workers.append(_start(folder, f"worker-{number}", arguments, hidden))
        started += started_cluster.workers
        for worker in started_cluster.workers:
            worker.said("Successfully registered with master")
        yield started_cluster
    finally:
        for one in started:
            if one.process.poll() is None:
                one.kill()
