"""Training rows that explanations compare with, as a request holds them."""

import math
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.artifacts.serving_samples import Feature, Row, ServingSamples, Tensor
from kanaria.components.train.background_rows import ROWS, drawn

SAMPLES = ServingSamples(
    inputs={
        "fare": Tensor(dtype="float32", shape=(None, 1)),
        "hour": Tensor(dtype="int64", shape=(None,)),
        "way": Tensor(dtype="string", shape=(None,)),
    },
    outputs={"score": Tensor(dtype="float32", shape=(None,))},
    features={name: Feature(type="FLOAT") for name in ("fare", "hour", "way", "late")},
)


def rows(folder: Path, optional: Collection[str] | None, **columns: list[object]) -> list[Row]:
    pq.write_table(pa.table(columns), folder / "part-0.parquet")
    return list(drawn(SAMPLES, optional, [folder / "part-0.parquet"]))


def test_a_missing_value_is_its_mark_where_the_model_takes_it(tmp_path: Path):
    columns = {"fare": [1.5, None], "hour": [3, None], "way": ["ü", None], "late": [0, 1]}
    first, second = rows(tmp_path, {"fare", "hour", "way"}, **columns)
    assert first == {"fare": [1.5], "hour": 3, "way": "ü"}
    assert math.isnan(second["fare"][0])
    assert (second["hour"], second["way"]) == (-(2**63), "")


@pytest.mark.parametrize("optional", [None, {"hour", "way"}])
def test_a_row_that_lacks_what_the_model_requires_is_no_request(
    tmp_path: Path, optional: Collection[str] | None
):
    fares = [1.0, None, math.nan, 2.0]
    drawn_rows = rows(tmp_path, optional, fare=fares, hour=[1, 2, 3, 4], way=["a"] * 4)
    assert [row["hour"] for row in drawn_rows] == [1, 4]


def test_of_many_rows_a_sample_is_drawn_from_all_of_them(tmp_path: Path):
    count = 5000
    hours = list(range(count))
    drawn_rows = rows(tmp_path, None, fare=[1.0] * count, hour=hours, way=["a"] * count)
    drawn_hours = [row["hour"] for row in drawn_rows]
    assert len(drawn_hours) == ROWS
    assert drawn_hours == sorted(set(drawn_hours))
    # The smallest of a hundred of 5,000 is below 500 but for one draw in 38,000.
    assert drawn_hours[0] < 500
    assert drawn_hours[-1] > 4500


def test_serialized_examples_are_no_features(tmp_path: Path):
    pq.write_table(pa.table({"fare": [1.0]}), tmp_path / "part-0.parquet")
    inputs = {"examples": Tensor(dtype="string", shape=(None,))}
    samples = ServingSamples(inputs=inputs, outputs=SAMPLES.outputs, features=SAMPLES.features)
    assert drawn(samples, None, [tmp_path / "part-0.parquet"]) == ()


def test_they_are_kept_with_the_samples(tmp_path: Path):
    background = ({"fare": [1.5]}, {"fare": [math.inf]})
    samples = ServingSamples(inputs=SAMPLES.inputs, outputs=SAMPLES.outputs, background=background)
    serving_samples.write(samples, tmp_path / "samples")
    assert serving_samples.read(tmp_path / "samples") == samples
    (tmp_path / "samples" / "background.jsonl").unlink()
    assert serving_samples.read(tmp_path / "samples").background == ()
