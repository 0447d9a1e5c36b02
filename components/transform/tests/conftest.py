"""One small data set, its schema and a user module, transformed once for all tests."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.transform.transform import TransformRequest, transform

SCHEMA = """
feature { name: "id" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "miles" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "carrier" type: BYTES presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "hour" type: INT presence { min_count: 1 } }
feature { name: "tags" type: BYTES }
"""

MODULE = """
import tensorflow as tf
import tensorflow_transform as tft


def preprocessing_fn(inputs, custom_config):
    hour = inputs["hour"]
    one_a_row = tf.SparseTensor(hour.indices, hour.values, [hour.dense_shape[0], 1])
    hour = tf.cast(tf.sparse.to_dense(one_a_row, default_value=-1), tf.float32)
    return {
        "id": inputs["id"],
        "miles_z": tft.scale_to_z_score(inputs["miles"]),
        "miles_bucket": tft.bucketize(inputs["miles"], custom_config["buckets"]),
        "carrier_index": tft.compute_and_apply_vocabulary(inputs["carrier"], num_oov_buckets=1),
        "carrier": inputs["carrier"],
        "tags_index": tft.compute_and_apply_vocabulary(inputs["tags"]),
        "hour_z": tft.scale_to_z_score(inputs["hour"], output_dtype=tf.float32),
        "pair": tf.concat([inputs["miles"], hour], axis=1),
        "flat": tf.squeeze(inputs["miles"], axis=1),
    }
"""

RUN = """
import sys
from pathlib import Path
from kanaria.components.transform.transform import TransformRequest, transform
raw, examples, out = map(Path, sys.argv[1:])
request = TransformRequest(
    examples=examples,
    schema=raw / "schema",
    module_file=str(raw / "module.py"),
    custom_config={"buckets": 5},
)
transform(request, out / "graph", out / "transformed")
"""

Columns = dict[str, list[object]]


def rows(first: int, count: int) -> Columns:
    """Rows with every kind of feature: dense, sometimes missing, and lists of any length."""
    draw = random.Random(first)
    hours = [None if draw.random() < 0.2 else draw.randrange(24) for _ in range(count)]
    tags = [[draw.choice("abc") for _ in range(draw.randrange(4))] or None for _ in range(count)]
    return {
        "id": list(range(first, first + count)),
        "miles": [draw.uniform(10, 3000) for _ in range(count)],
        "carrier": [draw.choice(["AA", "UA", "é", "x y"]) for _ in range(count)],
        "hour": hours,
        "tags": tags,
    }


def write_part(examples: Path, split: str, columns: Columns, number: int = 0) -> None:
    """Add one file to a split of an examples artifact."""
    part = examples / f"split={split}" / f"part-{number:05d}.parquet"
    part.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), part)


@pytest.fixture(scope="session")
def add_part() -> Callable[..., None]:
    """Offer `write_part` to tests."""
    return write_part


@pytest.fixture(scope="session")
def make_rows() -> Callable[[int, int], Columns]:
    """Offer `rows` to tests."""
    return rows


@pytest.fixture(scope="session")
def read_split() -> Callable[[Path, str], pa.Table]:
    """Read the files of a split in order, as a user would."""

    def read(artifact: Path, split: str) -> pa.Table:
        files = sorted((artifact / f"split={split}").glob("part-*.parquet"))
        return pa.concat_tables(pq.read_table(file) for file in files)

    return read


@pytest.fixture(scope="session")
def raw(tmp_path_factory) -> Path:
    """A folder with `examples` (300 training rows in two files), `schema` and `module.py`."""
    folder = tmp_path_factory.mktemp("raw")
    write_part(folder / "examples", "train", rows(0, 200), 0)
    write_part(folder / "examples", "train", rows(200, 100), 1)
    write_part(folder / "examples", "eval", rows(300, 40))
    (folder / "schema").mkdir()
    (folder / "schema/schema.pbtxt").write_text(SCHEMA)
    (folder / "module.py").write_text(MODULE)
    return folder


@pytest.fixture(scope="session")
def request_for(raw: Path) -> Callable[..., TransformRequest]:
    """Make a request for the folder's parts, with some of them changed."""

    def make(**changes: object) -> TransformRequest:
        usual = {
            "examples": raw / "examples",
            "schema": raw / "schema",
            "module_file": str(raw / "module.py"),
            "custom_config": {"buckets": 5},
        }
        return TransformRequest(**(usual | changes))

    return make


@pytest.fixture(scope="session")
def done(request_for, tmp_path_factory) -> Path:
    """A folder with the `graph` and the `transformed` examples of the data set."""
    folder = tmp_path_factory.mktemp("done") / "é"
    transform(request_for(), folder / "graph", folder / "transformed")
    return folder


@pytest.fixture(scope="session")
def transform_alone(raw: Path) -> Callable[[Path, Path], None]:
    """Transform examples in a process of its own: TensorFlow counts names through a process."""

    def run(examples: Path, out: Path) -> None:
        command = [sys.executable, "-I", "-c", RUN, str(raw), str(examples), str(out)]
        subprocess.run(command, check=True, capture_output=True)

    return run


@pytest.fixture(scope="session")
def alone(raw: Path, transform_alone, tmp_path_factory) -> Path:
    """The data set transformed in a process of its own, as `done` is in this one."""
    folder = tmp_path_factory.mktemp("alone")
    transform_alone(raw / "examples", folder / "out")
    return folder / "out"
