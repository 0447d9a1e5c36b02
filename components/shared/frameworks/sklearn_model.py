"""A scikit-learn model as KServe's sklearnserver loads and asks it.

Loading runs code that the file names: load only what you trust.

Source: KServe 0.20, python/sklearnserver/sklearnserver/model.py.
"""

import io
import logging
import pickle
import sys
import warnings
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

logger = logging.getLogger(__name__)
PROTOCOL = 5
"""Of pickle: all Pythons that KServe's servers had read it."""
IN_SERVER = frozenset(("joblib", "numpy", "pandas", "scipy", "sklearn", "threadpoolctl"))


def load(file: Path, *, probabilities: bool) -> MatrixModel:
    """Return the estimator in a file.

    Args:
        file: of joblib or pickle.
        probabilities: it answers predict_proba if it has one.

    Raises:
        DataError: it does not load.
    """
    estimator = _loaded(file)
    if not hasattr(estimator, "predict"):
        raise DataError(
            f"{file}: holds {type(estimator).__name__}, without predict; save an estimator"
        )
    asks = probabilities and hasattr(estimator, "predict_proba")
    function = estimator.predict_proba if asks else estimator.predict
    if asks and isinstance(getattr(estimator, "classes_", None), list):
        raise DataError(
            f"{file}: its probabilities are of several outputs, an array each and no row each; "
            "save it with save_model(probabilities=False)"
        )

    def predict(rows: Any) -> Array:
        try:
            with warnings.catch_warnings():
                # A server has no names for the columns; that they are missing is no news.
                warnings.filterwarnings("ignore", message="X does not have valid feature names")
                return np.asarray(function(rows))
        except LIBRARY_FAULTS as error:
            raise PredictionError(f"{type(error).__name__}: {shown(str(error))}") from error

    return MatrixModel(
        predict=predict,
        features=tuple(map(str, getattr(estimator, "feature_names_in_", ()))),
        width=int(getattr(estimator, "n_features_in_", 0)),
        classes=_classes(estimator) if asks else None,
    )


def _loaded(file: Path) -> Any:
    import joblib

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            estimator = joblib.load(file)
        except LIBRARY_FAULTS as error:
            raise DataError(
                f"{file}: does not load: {type(error).__name__}: {shown(str(error))}; its packages "
                "must be here, in the versions that made it"
            ) from error
    _tell_versions(file, said)
    return estimator


class _Modules(pickle.Unpickler):
    """Loads a pickle and keeps the packages that it names."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.packages: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.packages.add(module.partition(".")[0])
        return super().find_class(module, name)


def rewrite(file: Path) -> list[str]:
    """Write an estimator anew as a plain pickle, in the same file, which joblib loads as any.

    joblib writes by Python's own pickler, which dill changes for a whole process where it is
    imported, as Beam does; what it then writes needs dill, which no server has.

    Returns:
        Packages that the file names and KServe's server does not have.

    Raises:
        DataError: it does not load, or holds what no other process could load.
    """
    try:
        data = pickle.dumps(_loaded(file), protocol=PROTOCOL)
        modules = _Modules(data)
        modules.load()
    except LIBRARY_FAULTS as error:
        raise DataError(
            f"{file}: cannot be saved for another process: {shown(str(error))}; use functions and "
            "classes of scikit-learn and NumPy, no lambdas"
        ) from error
    file.write_bytes(data)
    return sorted(modules.packages - IN_SERVER - sys.stdlib_module_names)


def _classes(estimator: Any) -> tuple[Any, ...]:
    return tuple(np.asarray(getattr(estimator, "classes_", ())).tolist())


def _tell_versions(file: Path, said: list[warnings.WarningMessage]) -> None:
    """Log once which other version of scikit-learn made the model."""
    from sklearn.exceptions import InconsistentVersionWarning

    other = [w.message for w in said if isinstance(w.message, InconsistentVersionWarning)]
    for message in other[:1]:
        logger.warning(
            "%s: scikit-learn %s made it and %s loads it: answers may differ, or fail",
            file,
            message.original_sklearn_version,
            message.current_sklearn_version,
        )
