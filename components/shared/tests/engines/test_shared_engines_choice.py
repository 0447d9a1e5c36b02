"""Which engine a step gets, and everything that is wrong with what a user asks for, at once."""

from pathlib import Path
from typing import Any

import pytest

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.engines import compute_mapping, engine_choice, machine_limits
from kanaria.components.shared.engines.engine_choice import Kind, Work
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.engines.machine_limits import Machine
from kanaria.components.shared.errors import ParameterError

GIB = 2**30
SPARK = {"spark.master": "spark://host:7077"}
SMALL = Machine(memory=8 * GIB, cores=4)


def parsed(**settings: Any) -> compute_mapping.Compute:
    faults = Faults("transform_data")
    parsed_settings = compute_mapping.parse(settings, faults)
    faults.raise_if_any()
    return parsed_settings


def refused(**settings: Any) -> str:
    with pytest.raises(ParameterError) as raised:
        parsed(**settings)
    return str(raised.value)


def decided(
    size: int, files: int = 4, here: Machine = SMALL, **settings: Any
) -> engine_choice.Decision:
    return engine_choice.decide(
        parsed(**settings), "transform_data", Work(files=files, size=size), here
    )


@pytest.mark.parametrize(
    ("size", "settings", "kind"),
    [
        (2**20, {}, Kind.LOCAL),
        (2**20, {"spark": SPARK}, Kind.LOCAL),
        (GIB, {}, Kind.PROCESSES),
        (2 * GIB, {}, Kind.PROCESSES),
        (2 * GIB, {"spark": SPARK}, Kind.SPARK),
        (2 * GIB, {"beam_pipeline_args": ["--streaming"]}, Kind.BEAM),
        (2 * GIB, {"spark": SPARK, "steps": {"transform_data": "local"}}, Kind.PROCESSES),
        (2**20, {"spark": SPARK, "engine": "spark"}, Kind.SPARK),
        (2**20, {"engine": "beam", "steps": {"transform_data": "local"}}, Kind.LOCAL),
        (2**20, {"steps": {"transform_data": "beam"}}, Kind.BEAM),
        (2**20, {"steps": {"validate_data": "beam"}}, Kind.LOCAL),
    ],
)
def test_the_engine_is_what_is_asked_for_else_by_bytes_and_memory(size, settings, kind):
    assert decided(size, **settings).kind is kind


def test_auto_without_a_cluster_says_what_would_help():
    why = decided(2 * GIB).why
    assert "16,384 MiB of rows, exceed the 8,192 MiB of memory here" in why
    assert "compute.spark.spark.master" in why


@pytest.mark.parametrize(
    ("files", "here", "workers"),
    [
        (9, SMALL, 4),
        (3, SMALL, 3),
        (9, Machine(memory=2 * GIB, cores=16), 2),
        (9, Machine(memory=64 * GIB, cores=1), 1),
    ],
)
def test_processes_are_as_many_as_files_cores_and_memory_allow(files, here, workers):
    assert decided(GIB // 8 * 5, files, here).workers == workers


def test_processes_are_started_for_little_data_only_if_they_are_asked_for():
    assert decided(2**20).workers == 1
    assert decided(2**20, workers=3).workers == 3
    assert decided(2**20, files=2, workers=3).workers == 2


def test_everything_wrong_is_told_at_once_and_no_secret_with_it():
    message = refused(
        engine="flink",
        workers=-1,
        steps={"train_model": "local", "transform_data": "dask"},
        sparks={},
        spark={
            "spark.master": "http://host:7077",
            "spark.hadoop.fs.s3a.secret.key": "hidden1",
            "executor.memory": "1g",
            "spark.executor.pyspark.memory": "2g",
        },
        beam_pipeline_args=["--runner=FlinkRunner", "password=hidden2"],
    )
    for expected in (
        "compute.engine='flink': use auto, local, spark, beam",
        "compute.workers=-1",
        "compute.steps.train_model",
        "compute.steps.transform_data='dask'",
        "compute.sparks={}: no such key, did you mean compute.spark?",
        "compute.spark.spark.master='http://host:7077': use spark://host:7077",
        "compute.spark.spark.hadoop.fs.s3a.secret.key: a secret is seen",
        "compute.spark.executor.memory: no setting of Spark's",
        "spark.executor.memoryOverhead",
        "compute.beam_pipeline_args[1] 'password': no flag",
        "--flink_job_server_jar",
        "--flink_master=host:port",
    ):
        assert expected in message
    assert "hidden" not in message


@pytest.mark.parametrize(
    ("spark", "fault"),
    [
        ({"spark.master": "spark://host"}, "name its port"),
        ({"spark.master": "sc://host"}, "Spark Connect runs no code of ours"),
        ({"spark.master": "local[x]"}, "use spark://host:7077"),
        ({"spark.master": "k8s://https://host"}, "spark.kubernetes.container.image=''"),
        ({}, "compute.spark.spark.master is missing"),
    ],
)
def test_a_master_that_cannot_be_is_refused_before_anything_runs(spark, fault):
    assert fault in refused(engine="spark", spark=spark)


def test_settings_of_spark_may_be_numbers_and_booleans_and_become_its_text():
    settings = parsed(spark={"spark.executor.cores": 2.0, "spark.ui.enabled": True, **SPARK})
    assert settings.spark == {"spark.executor.cores": "2", "spark.ui.enabled": "true", **SPARK}


def test_where_secrets_of_kubernetes_are_may_be_said():
    names = (
        "spark.kubernetes.executor.secretKeyRef.KEY",
        "spark.kubernetes.executor.secrets.store",
    )
    assert parsed(spark={**SPARK, **dict.fromkeys(names, "store:key")})


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--runner=PortableRunner"], "needs --job_endpoint=host:port"),
        (["--runner", "portable"], "needs --job_endpoint=host:port"),
        (["--runner=PortableRunner", "--job_endpoint=http://host:1"], "without http://"),
        (["--runner=FlinkRunner", "--flink_master=[auto]"], "needs --flink_master"),
        (["--runner=SparkRunner"], "needs --spark_job_server_jar"),
        (["--runner=PrismRunner"], "--prism_location=/path/prism"),
        (["--runner=DataflowRunner", "--project=p"], "needs --region"),
        (["--runner=DataflowRunner", "--project=p"], "needs --temp_location"),
        (["--runner DirectRunner"], "a blank in a flag's name"),
        (["runner=DirectRunner"], "no flag"),
    ],
)
def test_arguments_of_beam_that_lack_something_are_refused_before_anything_runs(arguments, fault):
    assert fault in refused(beam_pipeline_args=arguments)


def test_a_whole_set_of_arguments_is_handed_on_as_it_is():
    whole = [
        "--runner=FlinkRunner",
        "--flink_master",
        "host:8081",
        "--flink_job_server_jar=/a.jar",
    ]
    assert parsed(beam_pipeline_args=whole).beam_pipeline_args == tuple(whole)


def test_the_engine_is_told_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "rows.parquet").write_bytes(b"x" * 100)
    with caplog.at_level("INFO"), engine_choice.engine({}, "transform_data", [tmp_path]) as engine:
        assert isinstance(engine, LocalEngine)
    assert "transform_data computes with engine local: 0 MiB of files" in caplog.text


@pytest.mark.parametrize(
    ("files", "memory", "cores"),
    [
        ({"pods/a/memory.max": str(2 * GIB), "pods/a/cpu.max": "150000 100000"}, 2 * GIB, 1),
        ({"pods/memory.max": str(GIB), "pods/a/memory.max": "max"}, GIB, None),
        ({"memory.max": str(3 * GIB)}, 3 * GIB, None),
        ({"pods/a/memory.max": "max", "pods/a/cpu.max": "max 100000"}, 16 * GIB, None),
    ],
)
def test_the_limits_of_a_container_count_before_the_machine(tmp_path, files, memory, cores):
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "self/cgroup").write_text("0::/pods/a\n")
    (proc / "meminfo").write_text(f"MemTotal: {16 * GIB // 1024} kB\nMemFree: 1 kB\n")
    for name, text in files.items():
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(text)
    here = machine_limits.machine(groups, proc)
    assert here.memory == memory
    assert cores is None or here.cores == cores


def test_control_groups_of_the_first_version_are_read_too(tmp_path):
    (tmp_path / "self").mkdir()
    (tmp_path / "self/cgroup").write_text("5:memory:/a\n4:cpu,cpuacct:/a\n")
    (tmp_path / "meminfo").write_text("MemTotal: 9000000 kB\n")
    for name, text in {
        "memory/a/memory.limit_in_bytes": str(GIB),
        "cpu/a/cpu.cfs_quota_us": "100000",
        "cpu/a/cpu.cfs_period_us": "100000",
    }.items():
        (tmp_path / "g" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "g" / name).write_text(text)
    assert machine_limits.machine(tmp_path / "g", tmp_path) == Machine(memory=GIB, cores=1)


def test_a_cache_is_a_folder_or_a_uri_that_is_known():
    assert parsed(analyzer_cache="s3://bucket/analyzers").analyzer_cache == "s3://bucket/analyzers"
    message = refused(analyzer_cache="ftp://a/b")
    assert message.startswith("transform_data: compute.analyzer_cache: ") and "ftp://a/b" in message
