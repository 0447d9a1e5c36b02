"""The libraries' own pipelines through a real job server give what they give in this process."""

import sys
from pathlib import Path

import apache_beam
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data.record_batches import to_lists
from kanaria.components.shared.engines import beam
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.errors import ParameterError


def rows() -> list[pa.RecordBatch]:
    """What breaks: missing values, empty lists, several values, NaN, text outside ASCII."""
    columns = {
        "fare": [1.5, None, float("nan"), -2.0, 1e30, 0.0, 3.25] * 10,
        "miles": [[1], [], None, [2, 3, 4], [5], [], [2**60]] * 10,
        "company": ["카나리아", "", None, "a b", "zürich", "a b", "x" * 300] * 10,
        "empty": [None] * 70,
    }
    return [
        to_lists(pa.RecordBatch.from_pydict({n: v[at : at + 25] for n, v in columns.items()}))
        for at in range(0, 70, 25)
    ]


def statistics(engine: Beam, target: Path) -> statistics_pb2.DatasetFeatureStatisticsList:
    with beam.pipeline(engine) as pipeline:
        _ = (
            pipeline
            | apache_beam.Create(rows(), reshuffle=False)
            | tfdv.GenerateStatistics(tfdv.StatsOptions())
            | tfdv.WriteStatisticsToBinaryFile(str(target))
        )
    return tfdv.load_stats_binary(str(target))


def test_statistics_of_all_features_are_those_of_this_process(portable: Beam, tmp_path: Path):
    ours = statistics(portable, tmp_path / "portable")
    expected = statistics(Beam(), tmp_path / "here")
    assert {f.path.step[0] for f in expected.datasets[0].features} == set(rows()[0].schema.names)
    by_name = [
        sorted(s.datasets[0].features, key=lambda f: f.path.step[0]) for s in (ours, expected)
    ]
    assert by_name[0] == by_name[1]
    assert ours.datasets[0].num_examples == 70


def test_the_command_line_of_this_process_is_not_read(
    portable: Beam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "argv", ["executor", "--runner=NoSuchRunner", "--job_endpoint=x:1"])
    for engine in (portable, Beam()):
        with beam.pipeline(engine) as pipeline:
            _ = (
                pipeline
                | apache_beam.Create([1, 2, 3])
                | apache_beam.CombineGlobally(sum)
                | apache_beam.io.WriteToText(str(tmp_path / "sum"), shard_name_template="")
            )
        assert (tmp_path / "sum").read_text() == "6\n"


def test_a_job_server_that_answers_has_no_faults(portable: Beam):
    faults = Faults("transform_data")
    beam.validate([*portable.arguments, "--checkpointing_interval=60000"], "args", faults)
    faults.raise_if_any()


def test_a_job_server_that_is_gone_is_named_before_any_work():
    faults = Faults("transform_data")
    beam.validate(["--runner=PortableRunner", "--job_endpoint=127.0.0.1:9"], "args", faults)
    with pytest.raises(ParameterError, match=r"nobody answers at --job_endpoint='127\.0\.0\.1:9'"):
        faults.raise_if_any()
