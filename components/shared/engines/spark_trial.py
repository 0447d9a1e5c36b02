"""Tries a Spark cluster out, as the main file of an application: spark-submit, or the operator's.

    spark-submit spark_trial.py [FOLDER...]

Says which executors took part, and fails with one line if they are not fit for Kanaria's steps or
do not see the folders that are named.
"""

import os
import platform
import socket
import sys
import time
from pathlib import Path

from kanaria.components.shared.engines.spark import SparkEngine
from kanaria.components.shared.errors import KanariaError, NotReadyError

TASKS = 32
SECONDS = 0.5
"""Long enough that tasks do not all go to the executor that came first."""


def looked(folders: tuple[str, ...]) -> tuple[str, int, str, tuple[str, ...]]:
    """Return host, process, Python and the folders that are not here; runs on an executor."""
    time.sleep(SECONDS)
    absent = tuple(folder for folder in folders if not Path(folder).is_dir())
    return socket.gethostname(), os.getppid(), platform.python_version(), absent


def report(engine: SparkEngine, folders: tuple[str, ...]) -> str:
    """Return one line an executor.

    Raises:
        NotReadyError: an executor does not see a folder.
        ParameterError: the executors lack Kanaria, or have another Python.
    """
    executors = sorted(set(engine.each(looked, [folders] * TASKS)))
    for host, _, _, absent in executors:
        if absent:
            raise NotReadyError(
                f"the executor on {host} does not see {', '.join(absent)}; mount the volume there, "
                "or let the files go with the tasks, which needs nothing"
            )
    return "\n".join(f"{host} {process}: Python {python}" for host, process, python, _ in executors)


def main(folders: list[str]) -> int:
    """Run the trial; return the exit status."""
    from pyspark import SparkContext

    context = SparkContext.getOrCreate()
    try:
        sys.stdout.write(f"{report(SparkEngine(context), tuple(folders))}\n")
    except KanariaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        context.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
