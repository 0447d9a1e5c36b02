"""Sessions that begin, that fail to, and whose workers die. One session a process at a time."""

import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_work import SUMS, Copying, Rows, copied, partitions
from spark_cluster import Cluster, cluster

from kanaria.components.shared.data.examples import split_folder
from kanaria.components.shared.engines import spark_session
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError
from kanaria.components.validate.validate import Targets, ValidateRequest, run


def test_the_result_is_the_same_when_a_worker_is_killed_in_the_middle(tmp_path: Path):
    begun = tmp_path / "begun"
    begun.mkdir()
    parts = partitions(12, seconds=1.5, started=str(begun))
    with (
        cluster(tmp_path) as own,
        spark_session.session(own.settings(), "test") as engine,
    ):
        killed = threading.Thread(target=_kill_in_the_middle, args=(own, begun))
        killed.start()
        states = engine.states(SUMS, parts)
        killed.join()
        assert own.workers[1].process.returncode == -9
    assert states == LocalEngine().states(SUMS, [Rows(one.values) for one in parts])


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
    copies = [Copying(own / f"{n}.txt", own / f"out/{n}.txt") for n in range(3)]
    (own / "out").mkdir()
    for number, one in enumerate(copies):
        one.source.write_text(f"row {number}")
    with (
        cluster(tmp_path, workers=1, hidden=own if is_hidden else None) as own_cluster,
        spark_session.session(own_cluster.settings(), "test") as engine,
    ):
        results = engine.each(copied, copies)
    assert [text for text, _, _ in results] == ["row 0", "row 1", "row 2"]
    assert [target for _, target, _ in results] == [one.target for one in copies]
    assert [one.target.read_text() for one in copies] == ["ROW 0", "ROW 1", "ROW 2"]
    assert all(path.startswith(str(own)) is not is_hidden for _, _, path in results)


def test_a_partition_too_large_to_be_sent_says_what_would_help(tmp_path: Path):
    own = tmp_path / "artifacts"
    own.mkdir()
    (own / "rows").write_bytes(b"x" * 2 * 2**20)
    with (
        cluster(tmp_path, workers=1, hidden=own) as machine,
        spark_session.session(machine.settings(spark_rpc_message_maxSize="1"), "test") as engine,
        pytest.raises(DataError, match=r"rows: 2 MiB in one partition.*mount one volume"),
    ):
        engine.each(copied, [Copying(own / "rows", own / "copy")])


def test_a_cluster_without_room_for_an_executor_is_told(
    spark: Cluster, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(spark_session, "EXECUTOR_SECONDS", 3)
    settings = spark.settings(spark_executor_memory="64g")
    with (
        pytest.raises(NotReadyError, match=r"no executor came in 3 s.*spark\.executor\.memory"),
        spark_session.session(settings, "test"),
    ):
        raise AssertionError("a session without executors")


def test_a_step_runs_on_the_cluster_that_compute_names(spark: Cluster, tmp_path: Path):
    folder = split_folder(tmp_path / "examples", "train")
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"fare": [1.5, None, 2.5]}), folder / "part-00000-of-00001.parquet")
    compute = {"engine": "spark", "spark": spark.settings()}
    names = ("statistics", "schema", "anomalies", "outcome", "report")
    targets = Targets(**{name: tmp_path / name for name in names})
    result = run(ValidateRequest(examples=tmp_path / "examples", compute=compute), targets)
    assert result.metadata["statistics"]["rows_train"] == 3


def test_without_java_or_with_one_too_new_it_is_said_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ParameterError, match=r"no Java in JAVA_HOME.*openjdk-17-jre-headless"):
        spark_session.check_java()
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin/java"
    for version, is_refused in (("1.8.0_442", False), ("17.0.15", False), ("25", True)):
        java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
        java.chmod(0o755)
        refusal = pytest.raises(ParameterError, match=r"Spark 3\.5 runs on Java 8 to 21")
        with refusal if is_refused else nullcontext():
            spark_session.check_java()
