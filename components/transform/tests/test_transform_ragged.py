"""Features that the schema makes ragged, over more rows than a batch."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.transform.transform import TransformRequest, transform

ROWS = 2_300
SCHEMA = """
feature { name: "fares" type: FLOAT }
tensor_representation_group {
  key: ""
  value {
    tensor_representation {
      key: "fares"
      value { ragged_tensor { feature_path { step: "fares" } } }
    }
  }
}
"""
MODULE = """
import tensorflow as tf
import tensorflow_transform as tft


def preprocessing_fn(inputs):
    fares = inputs["fares"]
    return {
        "fares": fares - tft.min(fares),
        "below": tft.max(fares) - tf.reduce_sum(fares, axis=1),
        "place": tft.bucketize(fares, 2),
    }
"""


@pytest.fixture(scope="module")
def fares():
    return [[float(row + place) for place in range(row % 4)] for row in range(ROWS)]


@pytest.fixture(scope="module")
def transformed(fares, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ragged")
    for name, content in (("schema.pbtxt", SCHEMA), ("features.py", MODULE)):
        (folder / name).write_text(content)
    (folder / "examples/split=train").mkdir(parents=True)
    column = pa.array(fares, pa.list_(pa.float32()))
    pq.write_table(pa.table({"fares": column}), folder / "examples/split=train/part-0.parquet")
    request = TransformRequest(
        examples=folder / "examples", schema=folder, module_file=str(folder / "features.py")
    )
    transform(request, folder / "graph", folder / "transformed")
    (file,) = (folder / "transformed/split=train").iterdir()
    return pq.read_table(file).to_pydict()


def test_every_list_keeps_its_values(fares, transformed):
    least = min(fare for row in fares for fare in row)
    assert transformed["fares"] == [[fare - least for fare in row] for row in fares]


def test_values_of_lists_are_analysed_over_all_rows(fares, transformed):
    most = max(fare for row in fares for fare in row)
    assert transformed["below"] == [most - sum(row) for row in fares]
    halves = [place for row in transformed["place"] for place in row]
    assert sum(halves) == pytest.approx(len(halves) / 2, rel=0.02)
