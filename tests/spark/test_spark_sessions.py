"""Sessions that begin, that fail to, and whose workers die. One session a process at a time."""

import threading
import time
from pathlib import Path

import pytest
from engine_work import SUMS, Rows, partitions
from spark_cluster import Cluster, cluster

from kanaria.components.shared.engines import spark_session
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.errors import NotReadyError, ParameterError


def test_the_result_is_the_same_when_a_worker_is_killed_in_the_middle(tmp_path: Path):
    begun = tmp_path / "begun"
    begun.mkdir()
    given = partitions(12, seconds=1.5, started=str(begun))
    with (
        cluster(tmp_path) as own,
        spark_session.session(own.settings(), "test") as engine,
    ):
        killed = threading.Thread(target=_kill_in_the_middle, args=(own, begun))
        killed.start()
        states = engine.states(SUMS, given)
        killed.join()
        assert own.workers[1].process.returncode == -9
    assert states == LocalEngine().states(SUMS, [Rows(one.values) for one in given])


def _kill_in_the_middle(own: Cluster, begun: Path) -> None:
    while len(list(begun.iterdir())) < 4:
        time.sleep(0.05)
    own.workers[1].kill()


def test_executors_without_kanaria_are_told_so(spark: Cluster):
    settings = {**spark.settings(), "spark.pyspark.python": "/usr/bin/python3"}
    with (
        spark_session.session(settings, "test") as engine,
        pytest.raises(ParameterError, match=r"No module named.*run them in the image of the step"),
    ):
        engine.states(SUMS, partitions(2))


def test_a_python_that_executors_do_not_have_is_named(spark: Cluster):
    settings = {**spark.settings(), "spark.pyspark.python": "/nowhere/python3"}
    with (
        spark_session.session(settings, "test") as engine,
        pytest.raises(
            ParameterError, match=r"Cannot run program \"/nowhere/python3\".*such Python"
        ),
    ):
        engine.states(SUMS, partitions(2))


def test_a_master_that_is_not_there_is_named_at_once():
    with (
        pytest.raises(NotReadyError, match=r"nobody answers at 127\.0\.0\.1:9 "),
        spark_session.session({"spark.master": "spark://127.0.0.1:9"}, "test"),
    ):
        raise AssertionError("a session without a master")
