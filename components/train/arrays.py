"""For a run_fn without TensorFlow: rows as arrays, and a model saved as its server loads it.

from kanaria.components.train.arrays import read_arrays, save_model

def run_fn(fn_args):
    rows, labels = read_arrays(fn_args.train_files, FEATURES, "label")
    save_model(GradientBoostingClassifier().fit(rows, labels), fn_args.serving_model_dir, FEATURES)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.errors import DataError, UserCodeError, shown
from kanaria.components.shared.frameworks import feature_signature
from kanaria.components.shared.frameworks.feature_signature import FeatureSignature
from kanaria.components.shared.frameworks.load_model import columns
from kanaria.components.shared.frameworks.model_files import ONNX_MODEL
from kanaria.components.shared.tensors import signature_arrays

ROWS_PER_BATCH = 20_000
JOBLIB_FILE, XGBOOST_FILE, LIGHTGBM_FILE = "model.joblib", "model.json", "model.bst"
LIGHTGBM = "lightgbm."
"""How the names of its modules begin; the package is imported by whoever trained the model."""


def read_arrays(
    file_pattern: str | Sequence[str],
    features: Sequence[str],
    label: str,
    dtype: str = "float32",
) -> tuple[Array, Array]:
    """Return the rows of files as a matrix, and their labels.

    Args:
        file_pattern: patterns as `fn_args.train_files` has them.
        features: names of columns of numbers, in the order of the matrix.
        label: name of the column of labels.
        dtype: of the matrix.

    Returns:
        Features of shape (rows, features), with NaN where a value is missing, and labels of shape
        (rows,) in their own type.

    Raises:
        UserCodeError: no file matches, or a name is no column.
        DataError: a row has several values of a feature, text, or no label.
    """
    matrices, labels = [], []
    for batch in record_batches(_files(file_pattern), ROWS_PER_BATCH):
        unknown = sorted({*features, label} - set(batch.schema.names))
        if unknown:
            names = shown(sorted(batch.schema.names))
            raise UserCodeError(f"read_arrays: no columns {shown(unknown)}; there are {names}")
        inputs = columns(tuple(features), np.dtype(dtype))
        for feed in signature_arrays.feeds(batch, inputs):
            matrices.append(np.column_stack([feed.arrays[name] for name in features]))
        labels.append(_labels(label, batch.column(label)))
    return np.concatenate(matrices), np.concatenate(labels)


def _files(file_pattern: str | Sequence[str]) -> list[Path]:
    patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern)
    places = [Path(pattern) for pattern in patterns]
    files = sorted(file for place in places for file in place.parent.glob(place.name))
    if not files:
        raise UserCodeError(f"read_arrays: no file matches {shown(patterns)}; use train_files")
    return files


def _labels(name: str, column: Any) -> Array:
    values = column.flatten().to_numpy(zero_copy_only=False)
    if len(values) != len(column):
        raise DataError(f"column {shown(name)}: a row has no label, or several; mend the data")
    return np.asarray(values)


def save_model(
    model: Any,
    serving_model_dir: str,
    features: Sequence[str],
    dtype: str = "float32",
    probabilities: bool | None = None,
) -> None:
    """Save a model of scikit-learn, XGBoost, LightGBM or ONNX, and name its features beside it.

    Args:
        model: an estimator, a Booster, XGBModel or LGBMModel, or an `onnx.ModelProto`.
        serving_model_dir: `fn_args.serving_model_dir`.
        features: names of the columns of its matrix, in their order; () for an ONNX model whose
            inputs are the features.
        dtype: of the matrix, float32 or float64; an ONNX model says its own.
        probabilities: a scikit-learn classifier answers predict_proba; None where it can.

    Raises:
        ParameterError: a feature is named twice, or the type is another.
    """
    signature = feature_signature.checked(
        FeatureSignature(features=tuple(features), dtype=dtype, probabilities=probabilities),
        "save_model",
    )
    folder = Path(serving_model_dir)
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(model, "SerializeToString"):
        (folder / ONNX_MODEL).write_bytes(model.SerializeToString())
    elif type(model).__module__.startswith(LIGHTGBM):
        getattr(model, "booster_", model).save_model(str(folder / LIGHTGBM_FILE))
    elif hasattr(model, "save_model"):  # XGBoost's estimators are scikit-learn's, too.
        model.save_model(str(folder / XGBOOST_FILE))
    else:
        import joblib

        joblib.dump(model, folder / JOBLIB_FILE)
    feature_signature.write(folder, signature)
