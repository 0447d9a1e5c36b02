"""Opens a session on a Spark cluster for one step, and ends it.

pyspark is imported here and in `spark_faults`, and only when a step runs on Spark.
"""

import importlib.util
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kanaria.components.shared.engines import private_spark, spark_faults, spark_settings
from kanaria.components.shared.engines.spark import SparkEngine
from kanaria.components.shared.engines.spark_settings import MASTER
from kanaria.components.shared.errors import NotReadyError, ParameterError, shown

LOGGER = logging.getLogger(__name__)
JAVA = (8, 21)
"""Oldest and newest Java on which Spark 3.5 runs."""
CONNECT_SECONDS = 10
EXECUTOR_SECONDS = 600
"""How long the first executor may take: a cluster may have to add a machine for it."""
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_INSTALL_JAVA = (
    "install Java 17 (Debian and Ubuntu: apt-get install openjdk-17-jre-headless, which needs no "
    "network where the package lies in a mirror or an image) or set JAVA_HOME; or engine: local"
)


@contextmanager
def session(settings: Mapping[str, str], step: str) -> Iterator[SparkEngine]:
    """Yield the engine of a session of one step; it ends with the block.

    Args:
        settings: Spark's own settings, checked by `spark_settings.check`, with a master.
        step: name of the step.

    Raises:
        ParameterError: pyspark or Java is not there, or the settings do not fit the cluster.
        NotReadyError: nobody answers at the master's address, or no executor comes.
    """
    _check_pyspark()
    check_java()
    check_master(settings[MASTER])
    complete = spark_settings.completed(settings, step, _pod())
    with _python(complete), spark_faults.translated():
        context = _opened(complete)
    try:
        LOGGER.info("Spark %s at %s", context.version, spark_settings.shown_master(settings))
        _wait_for_executor(context, settings[MASTER])
        yield SparkEngine(context)
    finally:
        private_spark.close(context)


def _check_pyspark() -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise ParameterError(
            "engine spark needs pyspark 3.5, which is not in this environment; install the extra "
            "`spark`, or use engine: local"
        )


def check_java() -> None:
    """Raise ParameterError unless there is a Java that Spark 3.5 runs on."""
    home = os.environ.get("JAVA_HOME", "")
    java = shutil.which(str(Path(home) / "bin/java") if home else "java")
    if java is None:
        where = f"no Java in JAVA_HOME={shown(home)}" if home else "no Java on this machine"
        raise ParameterError(f"engine spark: {where}; {_INSTALL_JAVA}")
    output = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    # 1.8.0_442 is Java 8, and 17.0.15 is Java 17.
    version = re.search(r'version "(?:1\.)?(\d+)', output)
    if version is None or not JAVA[0] <= int(version.group(1)) <= JAVA[1]:
        first = output.partition("\n")[0]
        raise ParameterError(
            f"engine spark: {java} is {shown(first)}, and Spark 3.5 runs on Java {JAVA[0]} to "
            f"{JAVA[1]}; {_INSTALL_JAVA}"
        )


def check_master(master: str) -> None:
    """Raise NotReadyError unless somebody answers at the master's address, if it has one.

    Spark itself tries for a minute, and then says that its session has stopped.
    """
    refused = []
    for address in spark_settings.addresses(master):
        try:
            socket.create_connection(address, timeout=CONNECT_SECONDS).close()
        except OSError as error:
            refused.append(f"{address[0]}:{address[1]} ({error.strerror or error})")
        else:
            return
    if refused:
        raise NotReadyError(
            f"{MASTER}={shown(master)}: nobody answers at {', '.join(refused)}; is the master "
            "running, and may this machine reach it?"
        )


def _pod() -> dict[str, str]:
    """Return what Spark must know of this pod to be found by its executors; {} outside one."""
    namespace = SERVICE_ACCOUNT / "namespace"
    if not namespace.exists():
        return {}
    name = socket.gethostname()
    address = socket.gethostbyname(name)
    return {"name": name, "address": address, "namespace": namespace.read_text().strip()}


@contextmanager
def _python(settings: Mapping[str, str]) -> Iterator[None]:
    """Let executors run the Python that the settings name, else this one, while a session opens.

    pyspark reads it from the environment alone.
    """
    name = "PYSPARK_PYTHON"
    before = os.environ.get(name)
    os.environ[name] = settings.get("spark.pyspark.python", before or sys.executable)
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _opened(settings: Mapping[str, str]) -> Any:
    from pyspark import SparkConf, SparkContext
    from pyspark.version import __version__ as ours

    configuration = SparkConf()
    configuration.setAll(list(settings.items()))
    context = SparkContext(conf=configuration)
    if context.version.split(".")[:2] != ours.split(".")[:2]:
        version = context.version
        context.stop()
        raise ParameterError(
            f"engine spark: the Spark of SPARK_HOME is {version}, and pyspark is {ours}; unset "
            "SPARK_HOME, or let it name a Spark of that version"
        )
    return context


def _wait_for_executor(context: Any, master: str) -> None:
    """Return when the first executor is there; without one Spark would wait for ever."""
    if master.startswith("local"):
        return
    began = time.monotonic()
    is_logged = False
    while not private_spark.executor_count(context):
        waited = time.monotonic() - began
        if waited > EXECUTOR_SECONDS:
            raise NotReadyError(
                f"Spark: no executor came in {EXECUTOR_SECONDS} s; {shown(master)} has no worker "
                "with the memory and the cores asked for (spark.executor.memory, "
                "spark.executor.cores), or executors do not reach the driver (spark.driver.host)"
            )
        if waited > CONNECT_SECONDS and not is_logged:
            LOGGER.info("Waiting for the first executor, up to %d s", EXECUTOR_SECONDS)
            is_logged = True
        time.sleep(0.2)
