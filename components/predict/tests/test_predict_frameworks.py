"""Predictions of models that are no SavedModels are those of the bare libraries, bit for bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost
from onnx_bytes import labelled, logistic
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.tree import DecisionTreeClassifier

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.frameworks.feature_signature import FeatureSignature, write
from kanaria.components.train.arrays import save_model

FEATURES = ("miles", "fare", "card")
ROWS = 83
"""No multiple of a batch: the last call of the model has one row."""


def matrix(dtype: type = np.float32) -> np.ndarray:
    draw = np.random.default_rng(5)
    rows = draw.normal(3, 2, (ROWS, 3))
    rows[:, 2] = draw.integers(0, 2, ROWS)
    rows[::7, 1] = np.nan
    return rows.astype(np.float32).astype(dtype)


def labels() -> np.ndarray:
    rows = matrix()
    return np.array(["late", "none", "soon"])[(rows[:, 0] > 3).astype(int) + rows[:, 2].astype(int)]


def write_rows(world: Any, rows: np.ndarray) -> None:
    """Write the columns in another order than the model takes them, with one more."""
    fares = pa.array(rows[:, 1].astype(np.float64), from_pandas=True)  # NaN as null.
    cards = pa.array(rows[:, 2].astype(np.int64))
    world.parquet(card=cards, fare=fares, id=pa.array(range(ROWS)), miles=pa.array(rows[:, 0]))


def release(world: Any, model: Any, features: tuple[str, ...] = FEATURES, **said: Any) -> None:
    save_model(model, str(world.release / "model"), features, **said)
    world.publish()


def scored(world: Any, name: str = "output-0") -> np.ndarray:
    world.predict(batch_rows=41, chunk_rows=ROWS)
    return np.array([row[name] for row in world.rows()])


def of_xgboost(parameters: dict[str, Any]) -> Any:
    codes = np.unique(labels(), return_inverse=True)[1]
    parameters = {"nthread": 1, **parameters}
    return xgboost.train(parameters, xgboost.DMatrix(matrix(), codes), 5)


@pytest.mark.parametrize(
    "parameters",
    [{"objective": "reg:squarederror"}, {"objective": "multi:softprob", "num_class": 3}],
)
def test_xgboost_takes_columns_by_name_and_missing_values(world, parameters):
    booster = of_xgboost(parameters)
    release(world, booster)
    write_rows(world, matrix())
    answers = scored(world)
    assert (answers == booster.predict(xgboost.DMatrix(matrix()))).all()
    kind = pa.float32() if answers.ndim == 1 else pa.list_(pa.float32())
    assert pq.read_schema(world.home / "out/part-00000.parquet").field("output-0").type == kind


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("probabilities", [True, False])
def test_a_classifier_answers_its_probabilities_or_its_classes(world, dtype, probabilities):
    rows = matrix(np.dtype(dtype).type)
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, labels())
    release(world, model, dtype=dtype, probabilities=probabilities)
    write_rows(world, rows)
    wanted = model.predict_proba(rows) if probabilities else model.predict(rows)
    assert (scored(world) == wanted).all()


def test_a_model_of_several_outputs_answers_a_row_each(world):
    rows = np.nan_to_num(matrix())
    model = LinearRegression().fit(rows, rows @ np.eye(3)[:, :2] * 2.5)
    release(world, model)
    write_rows(world, rows)
    assert (scored(world) == model.predict(rows)).all()


@pytest.mark.parametrize("tree", [True, False])
def test_probabilities_of_several_outputs_are_no_answer_a_row(world, tree):
    rows, several = np.nan_to_num(matrix()), np.column_stack([labels(), labels()])
    one = DecisionTreeClassifier(max_depth=2)
    model = (one if tree else MultiOutputClassifier(one)).fit(rows, several)
    release(world, model)
    write_rows(world, rows)
    with pytest.raises(DataError, match=r"several outputs.*save_model\(probabilities=False\)"):
        world.predict()


def onnx(world: Any, data: bytes, features: tuple[str, ...]) -> Callable[..., list[Any]]:
    """Release an ONNX model as push lays it out; return it as onnxruntime runs it."""
    folder: Path = world.release / "model" / "tips"
    (folder / "1").mkdir(parents=True)
    (folder / "1/model.onnx").write_bytes(data)
    if features:
        write(folder, FeatureSignature(features=features))
    world.publish()
    session = onnxruntime.InferenceSession(data)
    return lambda **feed: session.run(None, feed)


def test_onnx_takes_inputs_by_name_and_keeps_whole_numbers(world):
    run = onnx(world, labelled(), ())
    counts = np.arange(ROWS) + 2**60
    amounts = matrix()[:, 0]
    world.parquet(count=pa.array(counts), amount=pa.array(amounts))
    label, total = run(count=counts[:, np.newaxis], amount=amounts[:, np.newaxis])
    assert (scored(world, "label") == label[:, 0]).all()
    assert (scored(world, "total") == total[:, 0]).all()


@pytest.mark.parametrize("most", [0, 1, 7])
def test_onnx_takes_a_matrix_of_as_many_rows_as_it_says(world, most):
    weights = [0.5, -1.0, 2.0]
    onnx(world, logistic(weights, 0.25, most), FEATURES)
    rows = np.nan_to_num(matrix())
    write_rows(world, rows)
    (wanted,) = onnxruntime.InferenceSession(logistic(weights, 0.25)).run(None, {"X": rows})
    answers = scored(world, "score")
    # Sums of other numbers of rows are added in another order.
    assert answers == pytest.approx(wanted[:, 0], rel=3e-7)


def test_a_column_that_the_model_takes_must_be_there(world):
    release(world, of_xgboost({}))
    world.parquet(miles=pa.array([1.0]), Fare=pa.array([2.0]), card=pa.array([1]))
    with pytest.raises(ParameterError, match=r"input 'fare' \(float32\) is no column of the data"):
        world.predict()


def test_a_model_without_signatures_has_none_by_another_name(world):
    release(world, of_xgboost({}))
    write_rows(world, matrix())
    with pytest.raises(ParameterError, match="a model of xgboost has no signatures; leave it out"):
        world.predict(signature="other")


def test_what_the_model_cannot_take_is_told_in_its_own_words(world):
    rows = np.nan_to_num(matrix())
    release(world, LinearRegression().fit(rows, rows[:, 0]))
    write_rows(world, matrix())
    with pytest.raises(DataError, match=r"the model fails on 83 rows: ValueError: .*contains NaN"):
        world.predict()
