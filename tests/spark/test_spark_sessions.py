"""Sessions that begin, that fail to, and whose workers die. One session a process at a time."""

import threading
import time
from pathlib import Path

import pytest
from engine_work import SUMS, Copying, Rows, copied, partitions
from spark_cluster import Cluster, cluster

from kanaria.components.shared.engines import spark_session
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError


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


@pytest.mark.parametrize("is_hidden", [True, False])
def test_files_that_executors_do_not_see_go_to_them_and_come_back(tmp_path: Path, is_hidden: bool):
    own = tmp_path / "artifacts"
    own.mkdir()
    given = [Copying(own / f"{n}.txt", own / f"out/{n}.txt") for n in range(3)]
    (own / "out").mkdir()
    for number, one in enumerate(given):
        one.source.write_text(f"row {number}")
    with (
        cluster(tmp_path, workers=1, hidden=own if is_hidden else None) as found,
        spark_session.session(found.settings(), "test") as engine,
    ):
        results = engine.each(copied, given)
    assert [text for text, _, _ in results] == ["row 0", "row 1", "row 2"]
    assert [target for _, target, _ in results] == [one.target for one in given]
    assert [one.target.read_text() for one in given] == ["ROW 0", "ROW 1", "ROW 2"]
    assert all(seen.startswith(str(own)) is not is_hidden for _, _, seen in results)


def test_a_partition_too_large_to_be_sent_says_what_would_help(tmp_path: Path):
    own = tmp_path / "artifacts"
    own.mkdir()
    (own / "rows").write_bytes(b"x" * 2 * 2**20)
    with (
        cluster(tmp_path, workers=1, hidden=own) as found,
        spark_session.session(found.settings(spark_rpc_message_maxSize="1"), "test") as engine,
        pytest.raises(DataError, match=r"rows: 2 MiB in one partition.*mount one volume"),
    ):
        engine.each(copied, [Copying(own / "rows", own / "copy")])
