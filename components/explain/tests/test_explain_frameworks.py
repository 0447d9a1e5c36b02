"""Explanations of models that are no SavedModels: the definition on the bare library."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
import xgboost
from onnx_bytes import labelled
from shapley_by_definition import shapley
from sklearn.linear_model import LogisticRegression

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.train.arrays import save_model

FEATURES = ("miles", "fare", "card")


def matrix(rows: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    values = draw.normal(3, 2, (rows, 3))
    values[:, 2] = draw.integers(0, 2, rows)
    values[::4, 1] = np.nan
    return values.astype(np.float32)


TRAIN, EVAL = matrix(8, 1), matrix(4, 2)
LABELS = (TRAIN[:, 0] > 3).astype(int) + TRAIN[:, 2].astype(int)


def examples(world: Any, **splits: np.ndarray) -> None:
    """Write the columns in another order than the model takes them; NaN is a missing value."""
    columns = {
        split: {
            name: [None if value != value else float(value) for value in rows[:, place]]
            for place, name in reversed([*enumerate(FEATURES)])
        }
        for split, rows in splits.items()
    }
    world.examples(**columns)


def check(world: Any, answer: Callable[..., float], train: np.ndarray, rows: np.ndarray) -> None:
    """Compare the rows that were written with the definition, and with the bare library."""
    places = {name: place for place, name in enumerate(FEATURES)}
    shares_of_rows = world.rows()
    assert len(shares_of_rows) == len(rows)
    for one in shares_of_rows:
        values = [one["inputs"][name] for name in places]
        row = [np.nan if value is None else value for value in values]
        base, wanted = shapley(train.tolist(), row, answer)
        assert one["prediction"] == answer(row)
        assert one["base_value"] == pytest.approx(base, abs=1e-6)
        named = dict(zip(places, wanted, strict=True))
        assert one["shap_values"] == pytest.approx(named, abs=1e-6)
        total = one["base_value"] + sum(one["shap_values"].values())
        assert total == pytest.approx(one["prediction"], abs=1e-6)


@pytest.mark.parametrize("classes", [1, 3])
def test_xgboost_is_shared_out_as_by_definition(world, classes):
    parameters: dict[str, Any] = {"nthread": 1, "min_child_weight": 0}
    if classes > 1:
        parameters |= {"objective": "multi:softprob", "num_class": classes}
    booster = xgboost.train(parameters, xgboost.DMatrix(TRAIN, LABELS), 4)
    save_model(booster, str(world.home / "model"), FEATURES)
    examples(world, train=TRAIN, eval=EVAL)
    document = world.explain(column=2 if classes > 1 else -1)
    assert document["largest_residual"] < 1e-9

    def answer(row: Any) -> float:
        rows = np.array([row], np.float32)
        return float(booster.predict(xgboost.DMatrix(rows)).reshape(-1)[2 if classes > 1 else 0])

    check(world, answer, TRAIN, EVAL)
    assert "output-0" in world.report()


def test_scikit_learn_is_shared_out_as_by_definition(world):
    train, rows = np.nan_to_num(TRAIN), np.nan_to_num(EVAL)
    model = LogisticRegression().fit(train.astype(float), LABELS)
    save_model(model, str(world.home / "model"), FEATURES, dtype="float64")
    examples(world, train=train, eval=rows)
    with pytest.raises(ParameterError, match="column=-1: the output has 3 values a row"):
        world.explain()
    world.explain(column=1)
    check(world, lambda row: float(model.predict_proba([row])[0, 1]), train, rows)


def test_onnx_is_explained_by_its_only_output_of_floats(world):
    (world.home / "model/1").mkdir(parents=True)
    (world.home / "model/1/model.onnx").write_bytes(labelled())
    columns = {"amount": [1.5, -2.0, 7.0], "count": [3, 1, 2]}
    world.examples(train=columns, eval=columns)
    document = world.explain()
    assert document["output"] == "total"
    session = onnxruntime.InferenceSession(labelled())
    for one in world.rows():
        amount, count = one["inputs"]["amount"], one["inputs"]["count"]
        feed = {"amount": np.array([[amount]], np.float32), "count": np.array([[count]])}
        assert one["prediction"] == session.run(["total"], feed)[0][0, 0]
        shares = {"amount": amount - 6.5 / 3, "count": count - 2.0}
        assert one["shap_values"] == pytest.approx(shares, abs=1e-6)


def test_a_model_of_trees_has_no_gradient(world):
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(TRAIN, LABELS), 2)
    save_model(booster, str(world.home / "model"), FEATURES)
    examples(world, train=TRAIN, eval=EVAL)
    with pytest.raises(ParameterError, match="is no SavedModel, and has no gradient; use permuta"):
        world.explain(explainer="gradient")


def test_rows_that_the_model_refuses_are_told_in_its_own_words(world):
    train = np.nan_to_num(TRAIN)
    model = LogisticRegression().fit(train, LABELS)
    save_model(model, str(world.home / "model"), FEATURES)
    examples(world, train=train, eval=EVAL)
    with pytest.raises(DataError, match=r"mix explained rows with the background: ValueError.*NaN"):
        world.explain(column=0)
