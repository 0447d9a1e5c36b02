"""The same rows as Parquet and as TFRecord: every later step reads both through these batches."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.ingest import write_splits as work
from kanaria.components.ingest.ingest import ingest
from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data import examples, tf_examples
from kanaria.components.shared.data.record_batches import column_names, record_batches
from kanaria.components.shared.errors import DataError, ParameterError

ROWS = pa.table(
    {
        "z_integer": [2**63 - 1, None, -(2**63), 0] * 50,
        "float": [0.1, None, float("inf"), 1e-3] * 50,
        "text": ["é", None, "", "x,y"] * 50,
        "bytes": [b"\xff", b"", None, b"x"] * 50,
        "lists": [[1, 2], [], None, [3]] * 50,
        "texts": [["a", "b"], [], None, ["c"]] * 50,
        "empty": pa.nulls(200),
        "id": range(200),
    }
)


@pytest.fixture
def both(tmp_path: Path) -> Path:
    pq.write_table(ROWS, tmp_path / "1.parquet")
    for kind in ("parquet", "tfrecord"):
        data, target = str(tmp_path / "1.parquet"), tmp_path / kind
        ingest(data, target, splits="train=2,eval=1", examples_format=kind)
    return tmp_path


def batches(artifact: Path, split: str = "train") -> list[pa.RecordBatch]:
    return list(record_batches(examples.split_files(artifact, split), rows=64))


@pytest.mark.parametrize("split", ["train", "eval"])
def test_both_formats_give_the_same_batches(both: Path, split: str):
    one, other = batches(both / "parquet", split), batches(both / "tfrecord", split)
    assert one[0].schema == other[0].schema
    assert [batch.num_rows for batch in one] == [batch.num_rows for batch in other]
    pairs = zip(one, other, strict=True)
    assert all(a.equals(b) for a, b in pairs)


def test_the_names_of_the_columns_keep_their_order(both: Path):
    for kind in ("parquet", "tfrecord"):
        files = examples.split_files(both / kind, "train")
        assert column_names(files) == ROWS.column_names


def test_only_examples_match_the_pattern_of_a_split(both: Path):
    pattern = Path(examples.split_pattern(both / "tfrecord", "train"))
    names = [path.name for path in pattern.parent.glob(pattern.name)]
    assert names == ["part-00000-of-00001.tfrecord.gz"]


def test_the_same_input_gives_the_same_tfrecord_bytes(both: Path):
    data = str(both / "1.parquet")
    ingest(data, both / "again", splits="train=2,eval=1", examples_format="tfrecord")
    assert fingerprint.of_tree(both / "again") == fingerprint.of_tree(both / "tfrecord")


def test_tfrecord_examples_can_be_ingested_again(both: Path):
    result = ingest(f"{both}/tfrecord/*/*.gz", both / "again", splits="all=1")
    again = pq.read_table(both / "again/split=all").sort_by("id")
    wanted = ROWS.select(sorted(ROWS.column_names))
    wanted = wanted.set_column(2, "float", wanted["float"].cast(pa.float32()))
    # A text of no bytes stays a value; only CSV takes it for missing. The folders are a column.
    assert set(again["split"].to_pylist()) == {"train", "eval"}
    assert again.drop(["split"]).to_pylist() == wanted.to_pylist()
    assert (result.files, result.empty_columns) == (2, ("empty",))


def test_files_of_another_program_need_no_list_of_columns(both: Path):
    (both / "tfrecord/split=train" / tf_examples.COLUMNS).unlink()
    (first, *_), names = batches(both / "tfrecord"), sorted(ROWS.column_names)
    assert first.schema.names == names
    wanted = batches(both / "parquet")[0]
    assert all(first[name].equals(wanted[name]) for name in names)


def test_many_rows_become_several_tfrecord_parts(both: Path, monkeypatch):
    monkeypatch.setattr(work, "ROWS_PER_PART", 80)
    ingest(str(both / "1.parquet"), both / "parts", splits="all=1", examples_format="tfrecord")
    names = [file.name for file in examples.split_files(both / "parts", "all")]
    assert names == [f"part-0000{i}-of-00003.tfrecord.gz" for i in range(3)]
    assert sum(batch.num_rows for batch in batches(both / "parts", "all")) == 200


def test_a_damaged_example_is_an_error_in_a_later_step(both: Path):
    file = examples.split_files(both / "tfrecord", "train")[0]
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"part-00000-of-00001\.tfrecord\.gz: record \d+ is cut"):
        batches(both / "tfrecord")


def test_an_unknown_format_is_an_error(tmp_path: Path):
    with pytest.raises(ParameterError, match="examples_format='avro': use parquet or tfrecord"):
        ingest("1.csv", tmp_path / "out", splits="all=1", examples_format="avro")
