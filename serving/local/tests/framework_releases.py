"""Small releases of models that are no SavedModels, with what explanations compare with."""

from pathlib import Path

import joblib
import numpy as np
import xgboost
from onnx_bytes import labelled
from sklearn.linear_model import LogisticRegression

from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.artifacts.serving_samples import Sample, ServingSamples, Tensor
from kanaria.components.shared.frameworks.feature_signature import FeatureSignature, write

FEATURES = ("miles", "fare", "card")
ROWS = np.array(
    [[1.5, np.nan, 1], [7.25, 3, 0], [0.5, 20, 0], [3, np.nan, 0], [4.5, 9.5, 1]], np.float32
)
LABELS = (0, 1, 2, 0, 1)


def boosted(folder: Path) -> xgboost.Booster:
    """Release an XGBoost model of missing values; return it."""
    parameters = {"objective": "reg:squarederror", "min_child_weight": 0, "nthread": 1}
    booster = xgboost.train(parameters, xgboost.DMatrix(ROWS, LABELS), 3)
    booster.save_model(_model_folder(folder, "float32") / "model.json")
    _write_samples(folder, "float32", (), ROWS)
    return booster


def classifier(folder: Path) -> LogisticRegression:
    """Release a scikit-learn model of three classes; return it."""
    rows = np.nan_to_num(ROWS).astype(np.float64)
    model = LogisticRegression().fit(rows, LABELS)
    joblib.dump(model, _model_folder(folder, "float64") / "model.joblib")
    _write_samples(folder, "float64", (3,), rows)
    return model


def _model_folder(folder: Path, dtype: str) -> Path:
    model = folder / "model"
    model.mkdir(parents=True)
    write(model, FeatureSignature(features=FEATURES, dtype=dtype))
    return model


def _write_samples(folder: Path, dtype: str, answer: tuple[int, ...], rows: np.ndarray) -> None:
    samples = ServingSamples(
        inputs={name: Tensor(dtype=dtype, shape=(None,)) for name in FEATURES},
        outputs={"output-0": Tensor(dtype=dtype, shape=(None, *answer))},
        rows=[
            Sample(inputs=dict(zip(FEATURES, row, strict=True)), outputs={})
            for row in rows.tolist()
            if np.isfinite(row).all()
        ],
        background=[dict(zip(FEATURES, row, strict=True)) for row in rows.tolist()],
        matrix="input-0",
    )
    serving_samples.write(samples, folder / "serving_samples")


def onnx(folder: Path, service: str) -> None:
    """Release an ONNX model of two inputs, whose label is a whole number."""
    model = folder / "model" / service / "1"
    model.mkdir(parents=True)
    (model / "model.onnx").write_bytes(labelled())
    tensors = {
        name: Tensor(dtype=dtype, shape=(None, 1))
        for name, dtype in (("count", "int64"), ("amount", "float32"))
    }
    rows = [{"count": [n], "amount": [n * 1.5]} for n in range(4)]
    samples = ServingSamples(inputs=tensors, outputs={}, background=rows)
    serving_samples.write(samples, folder / "serving_samples")
