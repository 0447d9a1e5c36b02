"""Files are written by TensorFlow itself, so that its format is what is read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from kanaria.components.ingest.ingest import Ingested, ingest
from kanaria.components.shared.data import examples, tf_examples
from kanaria.components.shared.errors import DataError

Record = dict[str, list[object]]
KINDS = {int: "int64_list", float: "float_list", bytes: "bytes_list"}


def serialized(record: Record) -> bytes:
    example = tf.train.Example()
    for name, values in record.items():
        feature = example.features.feature[name]
        if values:
            getattr(feature, KINDS[type(values[0])]).value.extend(values)
    return example.SerializeToString()


def write(path: Path, records: list[Record | bytes], compression: str = "") -> Path:
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression)) as writer:
        for record in records:
            writer.write(record if isinstance(record, bytes) else serialized(record))
    return path


def run(data: object, folder: Path) -> Ingested:
    return ingest(str(data), folder / "examples", splits="all=1")


def rows(folder: Path) -> pa.Table:
    return pq.read_table(examples.split_files(folder / "examples", "all")[0])


def column(folder: Path, *values: list[object]) -> pa.ChunkedArray:
    """Ingest records of the feature `a`, with a filler so that none is empty."""
    run(write(folder / "1.tfrecord", [{"a": list(v), "id": [1]} for v in values]), folder)
    return rows(folder)["a"]


COLUMNS = {
    "integers": ([[1], [2**63 - 1]], pa.int64(), [1, 2**63 - 1]),
    "floats": ([[1.5], [-0.25]], pa.float32(), [1.5, -0.25]),
    "text": ([[b"a"], ["é".encode()]], pa.string(), ["a", "é"]),
    "bytes": ([[b"a"], [b"\xff"]], pa.binary(), [b"a", b"\xff"]),
    "missing": ([[], [7], []], pa.int64(), [None, 7, None]),
    "lists": ([[1, 2], [], [3]], pa.list_(pa.int64()), [[1, 2], None, [3]]),
    "lists of text": ([[b"a", b"b"], [b"c"]], pa.list_(pa.string()), [["a", "b"], ["c"]]),
    "nowhere a value": ([[], []], pa.null(), [None, None]),
}


@pytest.mark.parametrize(("values", "kind", "expected"), COLUMNS.values(), ids=COLUMNS)
def test_a_feature_becomes_a_typed_column(tmp_path: Path, values, kind, expected):
    typed = column(tmp_path, *values)
    assert (typed.type, typed.to_pylist()) == (kind, expected)


@pytest.mark.parametrize(
    ("name", "compression"),
    [
        ("1.tfrecord", ""),
        ("1.TFRECORDS", ""),
        ("1.tfrecord.gz", "GZIP"),
        ("1.tfrecords.gz", "GZIP"),
        ("data_tfrecord-00000-of-00003.gz", "GZIP"),
        ("train.tfrecord-00000-of-00003", ""),
        ("tfrecord", "GZIP"),
        ("1.tfrecord", "GZIP"),
        ("1.tfrecord.gz", ""),
    ],
)
def test_plain_and_gzip_files_of_every_usual_name_are_read(tmp_path, name, compression):
    data = write(tmp_path / name, [{"a": [1]}, {"a": [2]}], compression)
    assert run(data, tmp_path).rows == {"all": 2}
    assert rows(tmp_path)["a"].to_pylist() == [1, 2]


def test_a_feature_that_a_whole_file_lacks_is_missing_there(tmp_path: Path):
    write(tmp_path / "1.tfrecord", [{"a": [1]}])
    write(tmp_path / "2.tfrecord.gz", [{"b": [b"x", b"y"]}], "GZIP")
    run(f"{tmp_path}/*.tfrecord*", tmp_path)
    assert rows(tmp_path).to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": ["x", "y"]}]


def test_a_list_of_no_values_is_a_missing_value_of_a_plain_column(tmp_path: Path):
    empty = tf.train.Example()
    empty.features.feature["a"].int64_list.SetInParent()
    run(write(tmp_path / "1.tfrecord", [empty.SerializeToString(), {"a": [7]}]), tmp_path)
    assert rows(tmp_path)["a"].to_pylist() == [None, 7]


def test_floats_of_tfrecord_can_be_a_time(tmp_path: Path):
    data = write(tmp_path / "1.tfrecord", [{"a": [float(i)]} for i in range(9)])
    parts = ingest(str(data), tmp_path / "examples", splits="train=2,eval=1", time_column="a")
    assert parts.rows == {"train": 6, "eval": 3}


def test_a_list_in_one_file_makes_lists_of_all(tmp_path: Path):
    write(tmp_path / "1.tfrecord", [{"a": [1]}])
    write(tmp_path / "2.tfrecord", [{"a": [2, 3]}])
    run(f"{tmp_path}/*.tfrecord", tmp_path)
    assert rows(tmp_path)["a"].to_pylist() == [[1], [2, 3]]


def test_an_empty_shard_among_others_is_fine(tmp_path: Path):
    write(tmp_path / "1.tfrecord", [])
    write(tmp_path / "2.tfrecord", [{"a": [1]}])
    assert run(f"{tmp_path}/*.tfrecord", tmp_path).rows == {"all": 1}


def refuse(folder: Path, data: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        run(data, folder)
    assert "\n" not in str(raised.value)
    assert not (folder / "examples").exists()


def test_a_type_that_changes_in_a_file_is_an_error_naming_the_record(tmp_path: Path):
    data = write(tmp_path / "1.tfrecord", [{"a": [1]}, {"a": []}, {"a": [1.5]}])
    message = r"1\.tfrecord: record 3: feature 'a' is a float_list, before it a int64_list; give"
    refuse(tmp_path, data, message)


def test_records_are_counted_over_the_batches_of_a_file(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tf_examples, "ROWS_PER_BATCH", 2)
    data = write(tmp_path / "1.tfrecord", [{"a": [1]}] * 6 + [b"\xff"])
    refuse(tmp_path, data, r"1\.tfrecord: record 7 is no tf\.Example")


def test_a_type_that_changes_between_files_is_an_error_naming_the_record(tmp_path: Path):
    write(tmp_path / "1.tfrecord", [{"a": [1]}])
    write(tmp_path / "2.tfrecord", [{"b": [1]}, {"a": [b"x"]}])
    message = r"2\.tfrecord: record 2: feature 'a' is a bytes_list, before it a int64_list"
    refuse(tmp_path, f"{tmp_path}/*.tfrecord", message)


@pytest.mark.parametrize("record", [b"one,two", b"\xff\xff"])
def test_a_record_that_is_no_example_is_an_error(tmp_path: Path, record: bytes):
    data = write(tmp_path / "1.tfrecord", [{"a": [1]}, record])
    refuse(tmp_path, data, r"1\.tfrecord: record 2 is no tf\.Example: b'")


def test_records_without_any_feature_are_an_error(tmp_path: Path):
    data = write(tmp_path / "1.tfrecord", [{}, {}])
    refuse(tmp_path, data, r"1\.tfrecord: no record has a feature; write serialized tf\.Examples")


def test_a_record_without_features_among_others_is_missing_everywhere(tmp_path: Path):
    run(write(tmp_path / "1.tfrecord", [{}, {"a": [1]}]), tmp_path)
    assert rows(tmp_path)["a"].to_pylist() == [None, 1]


def test_a_broken_record_is_an_error(tmp_path: Path):
    data = write(tmp_path / "1.tfrecord", [{"a": [i]} for i in range(9)])
    data.write_bytes(data.read_bytes()[:-1])
    refuse(tmp_path, data, r"1\.tfrecord: record 9 is cut off; write")


def test_files_without_any_record_are_an_error(tmp_path: Path):
    data = write(tmp_path / "1.tfrecord", [])
    refuse(tmp_path, data, r"1\.tfrecord: no records; give data")


def test_tfrecord_mixed_with_csv_is_an_error(tmp_path: Path):
    write(tmp_path / "1.tfrecord", [{"a": [1]}])
    (tmp_path / "1.csv").write_text("a\n1\n")
    refuse(tmp_path, f"{tmp_path}/1.*", r"files end in \['\.csv', '\.tfrecord'\]; give")


def sequence(context: dict[str, list[object]], words: list[bytes]) -> bytes:
    message = tf.train.SequenceExample()
    message.context.ParseFromString(
        tf.train.Example.FromString(serialized(context)).features.SerializeToString()
    )
    for word in words:
        message.feature_lists.feature_list["words"].feature.add().bytes_list.value.append(word)
    return message.SerializeToString()


@pytest.mark.parametrize("context", [{"id": [7]}, {}])
def test_a_sequence_example_is_told_from_an_example(tmp_path: Path, context):
    data = write(tmp_path / "1.tfrecord", [{"id": [1]}, sequence(context, [b"a", b"b"])])
    with pytest.raises(DataError, match=r"record 2 is a tf\.SequenceExample, whose sequences"):
        run(data, tmp_path)


def test_another_message_is_no_example(tmp_path: Path):
    other = serialized({"id": [1]}) + b"\x1a\x01x"  # A field 3.
    with pytest.raises(DataError, match=r"record 1 is no tf\.Example"):
        run(write(tmp_path / "1.tfrecord", [other]), tmp_path)


def test_folders_of_tfrecord_files_become_columns(tmp_path: Path):
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        write(tmp_path / f"year={year}/1.tfrecord", [{"id": [year + n]} for n in range(2)])
    run(f"{tmp_path}/*/*.tfrecord", tmp_path)
    assert rows(tmp_path).to_pydict() == {
        "id": [2023, 2024, 2024, 2025],
        "year": [2023, 2023, 2024, 2024],
    }
