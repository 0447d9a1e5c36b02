"""Real examples artifacts with a schema, and detectors fitted on them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.shared.data import tf_examples
from kanaria.components.shared.data.record_batches import to_lists

SCHEMA = """
feature { name: "carrier" type: BYTES }
feature { name: "month" type: INT int_domain { is_categorical: true } }
feature { name: "temp" type: FLOAT }
feature { name: "late" type: INT not_in_environment: "SERVING" }
default_environment: "TRAINING"
default_environment: "SERVING"
"""


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "schema.pbtxt").write_text(SCHEMA)
    return folder


@pytest.fixture
def examples_of(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes splits of columns as an examples artifact."""

    def make(name: str, tfrecord: bool = False, **splits: Mapping[str, Any]) -> Path:
        for split, columns in splits.items():
            folder = tmp_path / name / f"split={split}"
            folder.mkdir(parents=True)
            table = pa.table(dict(columns))
            if tfrecord:
                lists = [to_lists(batch) for batch in table.to_batches()]
                tf_examples.write(folder / "part-00000.tfrecord.gz", lists)
            else:
                pq.write_table(table, folder / "part-00000.parquet")
        return tmp_path / name

    return make


def flights(rows: int, seed: int, warmer: float = 0.0) -> dict[str, Any]:
    """Return flights whose temperature has one decimal, as people write it."""
    generator = np.random.default_rng(seed)
    temp = np.round(generator.normal(40 + warmer, 10, rows), 1)
    return {
        "carrier": generator.choice(["AA", "DL", "UA"], rows, p=[0.2, 0.3, 0.5]).tolist(),
        "month": generator.integers(1, 5, rows),
        "temp": temp,
        "late": generator.integers(0, 2, rows),
    }


@pytest.fixture
def flights_of() -> Callable[..., dict[str, Any]]:
    return flights
