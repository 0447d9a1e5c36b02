"""One schema for all splits: inferred, or read with the place of every fault."""

from pathlib import Path

import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.validate import schema


def test_the_other_splits_widen_what_train_shows(statistics_of):
    statistics = {
        "eval": statistics_of({"word": ["a", "c"] * 20, "label": [1] * 40}),
        "train": statistics_of({"word": ["a", "b"] * 20}),
    }
    inferred, _ = schema.inferred(statistics)
    assert [feature.name for feature in inferred.feature] == ["word", "label"]
    assert sorted(inferred.string_domain[0].value) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "values", [pa.array([None] * 40, pa.float64()), pa.nulls(40), None], ids=str
)
def test_a_split_without_values_of_a_feature_deprecates_nothing(statistics_of, values):
    columns = {"n": [1, 2] * 20} if values is None else {"n": [1, 2] * 20, "x": values}
    statistics = {
        "eval": statistics_of(columns),
        "test": statistics_of({"n": [1, 2] * 20, "x": [0.5] * 40}),
        "train": statistics_of({"n": [1, 2] * 20, "x": [0.5, 1.5] * 20}),
    }
    inferred, notes = schema.inferred(statistics)
    (x,) = [feature for feature in inferred.feature if feature.name == "x"]
    assert x.type == schema_pb2.FLOAT
    assert not x.lifecycle_stage
    assert not x.HasField("shape")  # Sparse: a row may lack it.
    assert [note.partition(";")[0] for note in notes] == ["feature 'x' has no value in split eval"]
    for split in statistics.values():
        assert not tfdv.validate_statistics(split, inferred).anomaly_info


def test_writing_and_reading_gives_the_same_schema(tmp_path: Path, statistics_of):
    statistics = {"train": statistics_of({"word": ["a", "b"] * 20, "n": [1, 2] * 20})}
    inferred, _ = schema.inferred(statistics)
    schema.write(inferred, tmp_path / "schema")
    assert schema.of_user(str(tmp_path / "schema" / schema.FILE)) == inferred


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('feature {\n  name: "x"\n  typ: INT\n}', "typ: INT"),
        ('feature {\n  name: "x"\n  type: INTEGER\n}', "INTEGER"),
        ('feature {\n  name: "x"', "name"),
        ("a,b\n1,2\n", "a,b"),
        ("", "names no feature"),
        ('feature{name:"x"} feature{name:"x"}', "stand there twice"),
    ],
)
def test_a_schema_that_does_not_parse_names_place_and_text(tmp_path: Path, text: str, message: str):
    file = tmp_path / "schema.pbtxt"
    file.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        schema.of_user(str(file))
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_an_unknown_field_is_located_by_line_and_column(tmp_path: Path):
    file = tmp_path / "schema.pbtxt"
    file.write_text('feature {\n  name: "x"\n  typ: INT\n}')
    with pytest.raises(DataError, match=r'schema.pbtxt:3:3: .*no field named "typ"'):
        schema.of_user(str(file))


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"\xff\xfe\x00", "not UTF-8")]
)
def test_a_schema_that_cannot_be_read_names_the_parameter(
    tmp_path: Path, content: bytes | None, message: str
):
    file = tmp_path / "schema.pbtxt"
    if content:
        file.write_bytes(content)
    with pytest.raises(DataError, match=f"schema_file=.*{message}"):
        schema.of_user(str(file))


def test_an_unknown_environment_lists_the_known_ones(schema_of):
    both = schema_of('default_environment:"TRAINING" default_environment:"SERVING"')
    schema.check_environment(both, "SERVING")
    with pytest.raises(ParameterError, match=r"'SERVNG'.*SERVING, TRAINING"):
        schema.check_environment(both, "SERVNG")
