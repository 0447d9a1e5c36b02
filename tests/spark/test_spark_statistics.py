"""TFDV's statistics on Spark are those of one process, to the byte."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.shared.data.examples import split_folder
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.engines.spark import SparkEngine
from kanaria.components.validate import statistics
from kanaria.components.validate.validate import Targets, ValidateRequest, validate


def values(number: int) -> dict[str, object]:
    """What breaks: missing values, empty lists, several values, NaN, text outside ASCII."""
    return {
        "fare": [1.5, None, float("nan"), -2.0, 1e30, 0.1 * number][number % 6],
        "miles": [[number], [], None, [2, 3, number], [2**60]][number % 5],
        "company": ["카나리아", "", None, f"c {number % 40}", "zürich", "x" * 300][number % 6],
        "never": None,
    }


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    for split, sizes in {"train": (700, 1, 300, *[11] * 9), "eval": (50,)}.items():
        split_folder(folder, split).mkdir(parents=True)
        for place, size in enumerate(sizes):
            rows = [values(number * 7 + place) for number in range(size)]
            table = pa.Table.from_pylist(rows)
            path = split_folder(folder, split) / f"part-{place:05d}-of-{len(sizes):05d}.parquet"
            pq.write_table(table.select(["fare", "miles", "company", "never"]), path)
    return folder


def test_statistics_of_all_features_are_equal_to_the_byte(examples: Path, engine: SparkEngine):
    files = sorted(split_folder(examples, "train").glob("*.parquet"))
    spark, local = (statistics.of_files(files, None, one) for one in (engine, LocalEngine()))
    assert {feature.path.step[0] for feature in local.datasets[0].features} == {
        *("fare", "miles", "company", "never")
    }
    assert local.datasets[0].num_examples == 1100
    assert spark.SerializeToString(deterministic=True) == local.SerializeToString(
        deterministic=True
    )


def test_the_step_writes_the_same_files(examples: Path, engine: SparkEngine, tmp_path: Path):
    for name, one in (("spark", engine), ("local", LocalEngine())):
        names = ("statistics", "schema", "anomalies", "outcome", "report")
        targets = Targets(**{part: tmp_path / name / part for part in names})
        assert validate(ValidateRequest(examples=examples), targets, one).outcome.passed
    files_of_ways = [
        {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.pb*")}
        for root in (tmp_path / "spark", tmp_path / "local")
    ]
    assert "statistics/train/FeatureStats.pb" in files_of_ways[0]
    assert files_of_ways[0] == files_of_ways[1]
