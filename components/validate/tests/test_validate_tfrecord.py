"""Examples in TFRecord are judged as the same rows in Parquet are."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data.examples import ExamplesFormat, split_folder
from kanaria.components.shared.data.write_examples import write_split
from kanaria.components.validate.validate import Targets, ValidateRequest, validate

ROWS = {
    "z_fare": [None if i % 7 == 0 else 0.1 * i for i in range(80)],
    "payment": ["cash", "card", None, "é"] * 20,
    "tract": [None if i % 3 else 2**60 + i for i in range(80)],
    "tags": [["a"] * (i % 3) for i in range(80)],
    "nothing": [None] * 80,
}


@pytest.fixture
def judged(tmp_path: Path, examples_of, targets_in) -> tuple[Targets, Targets]:
    """What the step wrote for Parquet, and for TFRecord."""
    parquet, tfrecord = examples_of(train=ROWS, eval=ROWS), tmp_path / "tfrecord"
    tfrecord.mkdir()
    for split in ("train", "eval"):
        table = pq.read_table(split_folder(parquet, split) / "part-00000.parquet")
        folder = split_folder(tfrecord, split)
        write_split(folder, ExamplesFormat.TFRECORD, table.schema, [[table]])
    targets = (targets_in("one"), targets_in("other"))
    for examples, target in zip((parquet, tfrecord), targets, strict=True):
        validate(ValidateRequest(examples=examples), target)
    return targets


@pytest.mark.parametrize("artifact", ["statistics", "schema", "anomalies", "outcome"])
def test_both_formats_give_the_same_bytes(judged, artifact: str):
    one, other = (fingerprint.of_tree(getattr(targets, artifact)) for targets in judged)
    assert one == other
