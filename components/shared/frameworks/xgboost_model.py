"""An XGBoost model as KServe's xgbserver loads and asks it, and as all its versions read it alike.

XGBoost 3.1 and newer write an intercept a target, as a list. XGBoost 2.1, which KServe 0.15 to
0.20 serve, reads such a list as another number and answers other values without a word. One
intercept alone is written as both read it.

Sources: KServe 0.20, python/xgbserver/xgbserver/model.py; XGBoost, "Introduction to Model IO".
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.frameworks.array_model import (
    LIBRARY_FAULTS,
    MatrixModel,
    PredictionError,
)

FILE = "model.json"
THREADS = 1
"""As KServe's runtime asks for."""
CATEGORICAL = "c"


def load(file: Path) -> MatrixModel:
    """Return the booster in a file of any of XGBoost's formats.

    Raises:
        DataError: it does not load.
    """
    booster = _booster(file)

    def predict(rows: Any) -> Array:
        import xgboost

        try:
            matrix = xgboost.DMatrix(rows, nthread=THREADS)
            return np.asarray(booster.predict(matrix))
        except LIBRARY_FAULTS as error:
            raise PredictionError(f"{type(error).__name__}: {shown(str(error))}") from error

    return MatrixModel(
        predict=predict,
        features=tuple(booster.feature_names or ()),
        width=int(booster.num_features()),
    )


def _booster(file: Path) -> Any:
    import xgboost

    try:
        # From memory, as KServe does: the content tells the format, whatever the file is called.
        return xgboost.Booster(params={"nthread": THREADS}, model_file=bytearray(file.read_bytes()))
    except LIBRARY_FAULTS as error:
        raise DataError(f"{file}: no model of XGBoost: {shown(str(error))}; train it again") from (
            error
        )


def rewrite(file: Path) -> tuple[tuple[str, ...], list[str]]:
    """Write a model as `FILE` beside it, which servers load and answer a matrix with; remove it.

    Names of the columns are taken out: a server has none, and XGBoost would refuse every request.

    Returns:
        The names, and why a server answers otherwise than the model did where it was trained.

    Raises:
        DataError: it does not load, or splits by categories that a matrix cannot hold.
    """
    booster = _booster(file)
    if CATEGORICAL in (booster.feature_types or ()):
        raise DataError(
            f"{file}: splits by categories, which a matrix of numbers does not tell; train without "
            "enable_categorical, on numbers of your own"
        )
    names = tuple(booster.feature_names or ())
    document = json.loads(booster.save_raw("json"))
    learner = document["learner"]
    learner["feature_names"], learner["feature_types"] = [], []
    parameters = learner["learner_model_param"]
    intercepts = parameters["base_score"].strip("[]").split(",")
    faults = _stopped_early(booster)
    if len(set(intercepts)) == 1:
        parameters["base_score"] = intercepts[0]
    else:
        faults.append(
            f"it has {len(intercepts)} intercepts, which XGBoost before 3.1 (KServe 0.15 to 0.20) "
            "reads wrongly: it answers other values; train with base_score=0.5"
        )
    file.unlink()
    (file.parent / FILE).write_text(json.dumps(document), encoding="utf-8")
    return names, faults


def _stopped_early(booster: Any) -> list[str]:
    """Tell of rounds after the best one: estimators leave them out, a server does not."""
    best, rounds = booster.attr("best_iteration"), booster.num_boosted_rounds()
    if best is None or int(best) + 1 == rounds:
        return []
    return [
        f"it stopped early: round {int(best) + 1} of {rounds} is the best, and a server answers by "
        "all; save booster[: booster.best_iteration + 1], or use EarlyStopping(save_best=True)"
    ]
