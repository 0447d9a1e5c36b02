"""A LightGBM model as KServe's lgbserver loads and asks it: a matrix in, the booster's answers out.

The package is no part of the lock: whoever trains such a model has it.

Source: KServe 0.20, python/lgbserver/lgbserver/model.py.
"""

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

MADE_UP_NAME = "Column_"
CATEGORIES = b"\npandas_categorical:"
THREADS = 1
"""As KServe's runtime asks for."""


def load(file: Path) -> MatrixModel:
    """Return the booster in a file.

    Raises:
        DataError: it does not load, the package is not here, or it splits by the categories of a
            table, which a matrix cannot hold.
    """
    try:
        import lightgbm
    except ImportError as error:
        raise DataError(
            f"{file}: a model of LightGBM, and the package lightgbm is not installed here; install "
            "it, or serve the model on a cluster: KServe's server has it"
        ) from error
    faults = (*LIBRARY_FAULTS, lightgbm.basic.LightGBMError)
    _check_categories(file)
    try:
        booster = lightgbm.Booster(model_file=str(file))
    except faults as error:
        raise DataError(f"{file}: no model of LightGBM: {shown(str(error))}; train it again") from (
            error
        )

    def predict(rows: Any) -> Array:
        try:
            return np.asarray(booster.predict(rows, num_threads=THREADS))
        except faults as error:
            raise PredictionError(f"{type(error).__name__}: {shown(str(error))}") from error

    names = tuple(booster.feature_name())
    return MatrixModel(
        predict=predict,
        features=() if all(name.startswith(MADE_UP_NAME) for name in names) else names,
        width=int(booster.num_feature()),
    )


def _check_categories(file: Path) -> None:
    _, is_said, said = file.read_bytes().rpartition(CATEGORIES)
    if is_said and said.split(b"\n")[0].strip() not in (b"", b"null", b"[]"):
        raise DataError(
            f"{file}: splits by the categories of a table, which a matrix of numbers does not "
            "tell; train on numbers of your own, with categorical_feature"
        )
