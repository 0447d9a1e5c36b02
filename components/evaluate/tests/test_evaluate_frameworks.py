"""Models that are no SavedModels: TFMA's own metrics of the bare library's predictions."""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow_model_analysis as tfma
import xgboost
from google.protobuf import text_format
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss

from kanaria.components.evaluate.measure_models import Inputs, measure
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.frameworks import feature_signature, xgboost_model
from kanaria.components.shared.frameworks.feature_signature import FeatureSignature

FEATURES = ("a", "b")
BINARY = """
model_specs { label_key: "label" prediction_key: "" }
slicing_specs {}
metrics_specs {
  metrics { class_name: "AUC" } metrics { class_name: "BinaryCrossentropy" }
  metrics { class_name: "BinaryAccuracy" } metrics { class_name: "Calibration" }
}
"""
CLASSES = """
model_specs { label_key: "label" }
slicing_specs {}
metrics_specs { metrics { class_name: "SparseCategoricalAccuracy" } }
"""
DRAW = np.random.default_rng(4)
ROWS = DRAW.normal(size=(400, 2)).astype(np.float32)
ROWS[::13, 1] = np.nan
LABELS = (ROWS[:, 0] + DRAW.normal(size=400) > 0).astype(np.int64)
THREE = DRAW.integers(0, 3, 400)


def written(folder: Path, labels: np.ndarray, config: str) -> Inputs:
    part = folder / "examples/split=eval/part-00000-of-00001.parquet"
    part.parent.mkdir(parents=True)
    second = [None if np.isnan(value) else value for value in ROWS[:, 1].tolist()]
    pq.write_table(pa.table({"a": ROWS[:, 0], "b": second, "label": labels}), part)
    (folder / "config.pbtxt").write_text(config)
    (folder / "model").mkdir()
    feature_signature.write(folder / "model", FeatureSignature(features=FEATURES))
    return Inputs(
        examples=str(folder / "examples"),
        model=str(folder / "model"),
        eval_config_file=str(folder / "config.pbtxt"),
        split="eval",
    )


def metrics(inputs: Inputs, folder: Path) -> dict[str, float]:
    folder.mkdir()
    findings, _ = measure("evaluate_model", inputs, folder)
    return {one.metric: one.candidate for one in findings.values if not one.slice}


def own_metrics(prediction: np.ndarray) -> dict[str, float]:
    """Return what TFMA says of predictions alone."""
    config = text_format.Parse(BINARY, tfma.EvalConfig())
    config.model_specs[0].prediction_key = "prediction"
    frame = pd.DataFrame({"label": LABELS, "prediction": prediction.astype(float)})
    result = tfma.analyze_raw_data(frame, config)
    values = result.get_metrics_for_slice()
    return {name: value["doubleValue"] for name, value in values.items() if "doubleValue" in value}


def test_metrics_of_an_xgboost_model_are_tfmas_of_its_predictions(tmp_path: Path):
    inputs = written(tmp_path, LABELS, BINARY)
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(ROWS, LABELS), 5)
    booster.save_model(tmp_path / "model/model.ubj")
    xgboost_model.rewrite(tmp_path / "model/model.ubj")
    predicted = booster.predict(xgboost.DMatrix(ROWS))
    values = metrics(inputs, tmp_path / "out")
    for name, value in own_metrics(predicted).items():
        assert values[name] == pytest.approx(value, rel=1e-6), name
    assert values["binary_accuracy"] == pytest.approx(accuracy_score(LABELS, predicted > 0.5))
    assert values["binary_crossentropy"] == pytest.approx(log_loss(LABELS, predicted), rel=1e-4)


def test_of_two_probabilities_of_scikit_learn_the_second_counts(tmp_path: Path):
    inputs = written(tmp_path, LABELS, BINARY)
    model = HistGradientBoostingClassifier(max_iter=5).fit(ROWS, LABELS)
    joblib.dump(model, tmp_path / "model/model.joblib")
    values = metrics(inputs, tmp_path / "out")
    for name, value in own_metrics(model.predict_proba(ROWS)[:, 1]).items():
        assert values[name] == pytest.approx(value, rel=1e-6), name


def test_probabilities_of_several_classes_are_compared_by_place(tmp_path: Path):
    inputs = written(tmp_path, THREE, CLASSES)
    model = HistGradientBoostingClassifier(max_iter=5).fit(ROWS, THREE)
    joblib.dump(model, tmp_path / "model/model.joblib")
    measured = metrics(inputs, tmp_path / "out")["sparse_categorical_accuracy"]
    assert measured == pytest.approx(accuracy_score(THREE, model.predict(ROWS)))


def test_what_metrics_cannot_be_computed_of_is_told(tmp_path: Path):
    inputs = written(tmp_path, LABELS, BINARY)
    model = HistGradientBoostingClassifier(max_iter=5).fit(ROWS, np.where(LABELS, "yes", "no"))
    joblib.dump(model, tmp_path / "model/model.joblib")
    with pytest.raises(DataError, match=r"classes are \['no', 'yes'\].*labels 0 to 1"):
        metrics(inputs, tmp_path / "out")
    named = BINARY.replace('label_key: "label"', 'label_key: "label" signature_name: "mine"')
    (tmp_path / "config.pbtxt").write_text(named)
    with pytest.raises(ParameterError, match="a model of sklearn has no signatures"):
        metrics(inputs, tmp_path / "other")
