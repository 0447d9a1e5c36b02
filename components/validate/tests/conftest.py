"""Real examples artifacts and TFDV statistics of a few rows."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from kanaria.components.shared.data.record_batches import to_lists
from kanaria.components.validate import statistics
from kanaria.components.validate.validate import Targets


def _batch(columns: dict) -> pa.RecordBatch:
    arrays = [v if isinstance(v, pa.Array) else pa.array(v) for v in columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


@pytest.fixture(scope="session")
def batch_of() -> Callable[[dict], pa.RecordBatch]:
    return _batch


@pytest.fixture(scope="session")
def statistics_of() -> Callable[..., statistics_pb2.DatasetFeatureStatisticsList]:
    def make(columns: dict, schema: schema_pb2.Schema | None = None):
        return statistics.of_batches([to_lists(_batch(columns))], schema)

    return make


@pytest.fixture(scope="session")
def schema_of() -> Callable[[str], schema_pb2.Schema]:
    return lambda text: text_format.Parse(text, schema_pb2.Schema())


@pytest.fixture
def examples_of(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "examples", **splits: dict) -> Path:
        folder = tmp_path / name
        for split, columns in splits.items():
            (folder / f"split={split}").mkdir(parents=True)
            table = pa.Table.from_batches([_batch(columns)])
            pq.write_table(table, folder / f"split={split}" / "part-00000.parquet")
        return folder

    return make


@pytest.fixture
def targets_in(tmp_path: Path) -> Callable[[str], Targets]:
    def make(name: str = "out") -> Targets:
        folder = tmp_path / name
        kinds = ("statistics", "schema", "anomalies", "outcome")
        folders = {kind: folder / kind for kind in kinds}
        return Targets(**folders, report=folder / "report.html")

    return make
