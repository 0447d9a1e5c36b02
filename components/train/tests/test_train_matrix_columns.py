"""Columns of a matrix have no names when it serves, so their order is held where they have some."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.linear_model import LinearRegression

from kanaria.components.shared.errors import DataError
from kanaria.components.shared.frameworks import load_model
from kanaria.components.shared.frameworks.model_files import ModelFiles
from kanaria.components.train.arrays import save_model
from kanaria.components.train.model_layout import settle

ROWS = np.random.default_rng(4).normal(size=(60, 3))
TABLE = pd.DataFrame(ROWS, columns=["a", "b", "c"])
LABELS = ROWS @ [1.0, 5.0, -2.0]


def settled(model: Any, folder: Path, features: tuple[str, ...]) -> ModelFiles:
    save_model(model, str(folder / "1"), features)
    return settle(folder, folder / "1")


@pytest.mark.parametrize("kind", [LinearRegression, xgboost.XGBRegressor])
@pytest.mark.parametrize("features", [("b", "a", "c"), ("a", "c", "d")])
def test_a_column_at_another_place_than_it_was_fitted_at_is_refused(kind, features, tmp_path):
    model = kind().fit(TABLE, LABELS)
    with pytest.raises(DataError, match=r"fitted on columns \['a', 'b', 'c'\] and saved with"):
        load_model.load(settled(model, tmp_path, features))


@pytest.mark.parametrize("kind", [LinearRegression, xgboost.XGBRegressor])
@pytest.mark.parametrize("features", [("a", "b", "c"), ("x", "y", "z")])
def test_the_same_order_is_taken_under_names_of_ones_own(kind, features, tmp_path):
    model = kind().fit(TABLE, LABELS)
    loaded = load_model.load(settled(model, tmp_path, features))
    rows = ROWS.astype(np.float32)
    feed = {name: rows[:, place] for place, name in enumerate(features)}
    answers = loaded.answers(feed)["output-0"]
    assert answers == pytest.approx(model.predict(TABLE), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("keeps_best", [False, True])
def test_rounds_after_the_best_one_are_told_of(keeps_best, tmp_path, caplog):
    stop = xgboost.callback.EarlyStopping(2, save_best=keeps_best)
    train, test = xgboost.DMatrix(ROWS[:30], LABELS[:30]), xgboost.DMatrix(ROWS[30:], -LABELS[30:])
    booster = xgboost.train(
        {"eta": 1}, train, num_boost_round=20, evals=[(test, "t")], callbacks=[stop]
    )
    with caplog.at_level(logging.WARNING):
        settled(booster, tmp_path, ("a", "b", "c"))
    assert ("it stopped early: round 1 of 3 is the best" in caplog.text) is not keeps_best
