"""The statistics are TFDV's own, to the last top value, without Beam."""

import math

import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import json_format

from kanaria.components.shared.data.record_batches import to_lists
from kanaria.components.validate import statistics
from kanaria.components.validate.comparators import by_name

ROWS = 400
COLUMNS = {
    "whole": [i * i % 97 for i in range(ROWS)],
    "whole_sparse": [None if i % 5 == 0 else i % 13 for i in range(ROWS)],
    "zeros": [0] * ROWS,
    "real": [math.sin(i) * 100 for i in range(ROWS)],
    "real_sparse": [None if i % 3 else i / 7 for i in range(ROWS)],
    "not_a_number": [math.nan if i % 10 == 0 else float(i) for i in range(ROWS)],
    "word": ["abcdefg"[i % 7] * (i % 3 + 1) for i in range(ROWS)],
    "word_sparse": [None if i % 4 == 0 else f"쎄{i % 50}" for i in range(ROWS)],
    "many": [f"value {i}" for i in range(ROWS)],
    "list": [[i, i + 1] if i % 2 else [i] for i in range(ROWS)],
}


def _feature(value: object) -> tf.train.Feature:
    values = value if isinstance(value, list) else [value]
    if isinstance(values[0], str):
        data = [v.encode() for v in values]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=data))
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


@pytest.fixture(scope="module")
def ours() -> dict:
    computed = statistics.of_batches(
        to_lists(part) for part in pa.Table.from_pydict(COLUMNS).to_batches(max_chunksize=ROWS)
    )
    assert computed.datasets[0].num_examples == ROWS
    return by_name(computed)


@pytest.fixture(scope="module")
def beams(tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = tmp_path_factory.mktemp("beam") / "rows.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in range(ROWS):
            cells = {name: v[row] for name, v in COLUMNS.items() if v[row] is not None}
            features = {name: _feature(value) for name, value in cells.items()}
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return by_name(
        tfdv.generate_statistics_from_tfrecord(str(path), str(path.with_name("statistics")))
    )


def _close(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def test_both_ways_see_every_feature(ours: dict, beams: dict):
    assert set(ours) == set(beams) == set(COLUMNS)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_number_equals_beams(ours: dict, beams: dict, name: str):
    one, other = json_format.MessageToDict(ours[name]), json_format.MessageToDict(beams[name])
    assert _close(one, other), f"{one}\n{other}"


def test_many_batches_give_the_counts_of_one(ours: dict):
    table = pa.Table.from_pydict(COLUMNS)
    parts = [to_lists(part) for part in table.to_batches(max_chunksize=37)]
    cut = by_name(statistics.of_batches(parts))
    for name, whole in ours.items():
        if whole.HasField("num_stats"):
            assert cut[name].num_stats.mean == pytest.approx(whole.num_stats.mean, nan_ok=True)
            assert cut[name].num_stats.common_stats.num_missing == (
                whole.num_stats.common_stats.num_missing
            )
        else:
            assert _close(
                json_format.MessageToDict(cut[name].string_stats),
                json_format.MessageToDict(whole.string_stats),
            )


def test_a_whole_number_with_missing_values_stays_whole(ours: dict):
    assert ours["whole_sparse"].Type.Name(ours["whole_sparse"].type) == "INT"
    assert ours["whole_sparse"].num_stats.common_stats.num_missing == ROWS / 5


@pytest.mark.parametrize("kind", [pa.null(), pa.int64(), pa.float64(), pa.string()])
def test_a_column_without_values_appears_as_missing(statistics_of, kind: pa.DataType):
    features = by_name(statistics_of({"empty": pa.nulls(9, kind), "full": [1] * 9}))
    which = features["empty"].WhichOneof("stats")
    assert getattr(features["empty"], which).common_stats.num_missing == 9


def test_thousands_of_distinct_values_are_counted_exactly():
    often = ["often"] * 3
    words = [*often, *[f"once {i}" for i in range(8_000)], *often]
    table = pa.table({"x": words})
    parts = [to_lists(part) for part in table.to_batches(max_chunksize=1_000)]
    texts = by_name(statistics.of_batches(parts))["x"].string_stats
    assert texts.unique == 8_001
    assert texts.top_values[0].frequency == 6
    assert texts.top_values[1].frequency == 1


def test_a_categorical_number_is_counted_by_value(statistics_of, schema_of):
    schema = schema_of('feature{name:"x" type:INT int_domain{is_categorical:true}}')
    feature = by_name(statistics_of({"x": [1, 1, 2]}, schema))["x"]
    counts = {b.label: b.sample_count for b in feature.string_stats.rank_histogram.buckets}
    assert counts == {"1": 2, "2": 1}
