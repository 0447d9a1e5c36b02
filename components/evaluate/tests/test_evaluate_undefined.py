"""A metric without a value is NaN on its slice, in the local way and on Beam, and binds nothing."""

import math

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from twins import accumulated, on_beam

from kanaria.components.evaluate import (
    blessing_outcome,
    eval_config,
    metric_thresholds,
    tfma_results,
)
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.findings_file import Findings

# Slices: both classes, only negatives, only positives, and both without weight.
SLICES = ["both", "negatives", "positives", "weightless"]
COUNT = 40
LIMIT = "threshold { value_threshold { lower_bound { value: 0 } } }"
CONFIG = """
model_specs { label_key: "y" example_weight_key: "w" }
slicing_specs { feature_keys: "s" }
metrics_specs {
  metrics { class_name: "AUC" %(limit)s }
  metrics { class_name: "AUCPrecisionRecall" }
  metrics { class_name: "SensitivityAtSpecificity" config: '"specificity": 0.5' }
  metrics { class_name: "SpecificityAtSensitivity" config: '"sensitivity": 0.5' }
  metrics { class_name: "PrecisionAtRecall" config: '"recall": 0.5' }
  metrics { class_name: "RecallAtPrecision" config: '"precision": 0.5' }
  metrics { class_name: "RecallAtFalsePositiveRate" config: '"false_positive_rate": 0.5' }
  metrics { class_name: "BinaryAccuracy" }
  %(more)s
}
"""
KERAS = """metrics { class_name: "BinaryCrossentropy" }
  metrics { class_name: "RootMeanSquaredError" }"""
NEED_BOTH = {
    "auc",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "recall_at_false_positive_rate",
}
NEED_POSITIVES = {"auc_precision_recall", "precision_at_recall", "recall_at_precision"}
NEED_WEIGHT = {"binary_accuracy", "binary_crossentropy", "root_mean_squared_error"}


def columns() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    number = np.arange(4 * COUNT)
    name = np.array(SLICES)[number % 4]
    label = (generator.random(len(number)) < 0.5).astype("int64")
    label[name == "negatives"], label[name == "positives"] = 0, 1
    weight = np.where(name == "weightless", 0, generator.random(len(number)))
    score = np.clip(0.3 + 0.3 * label + generator.normal(0, 0.2, len(number)), 0, 1)
    return {"s": name, "y": label, "w": weight.astype("float32"), "p": score.astype("float32")}


def rows() -> Rows:
    values = columns()
    kinds = {"s": pa.large_binary(), "y": pa.int64(), "w": pa.float32()}
    lists = {
        name: pa.array([[v] for v in values[name].tolist()], pa.large_list(kind))
        for name, kind in kinds.items()
    }
    predictions = {"": {"p": values["p"][:, None]}}
    return Rows(table=pa.table(lists), predictions=predictions, derived={})


@pytest.fixture(scope="module", params=["local", "Beam"])
def evaluated(request, tmp_path_factory) -> tuple[tfma_results.Results, tfma.EvalConfig]:
    parsed = text_format.Parse(CONFIG % {"limit": LIMIT, "more": KERAS}, tfma.EvalConfig())
    config = eval_config.for_models(parsed, with_baseline=False)
    folder = tmp_path_factory.mktemp("undefined")
    if request.param == "Beam":
        on_beam(rows(), config, folder)
    else:
        accumulated(rows(), config, folder, parts=3)
    return tfma_results.load(folder, ""), config


def on(results: tfma_results.Results, name: str) -> dict[str, float]:
    key = (("s", name),) if name else ()
    return {metric.name: value for metric, value in results.numbers[key].items()}


def undefined(metrics: dict[str, float]) -> set[str]:
    return {name for name, value in metrics.items() if math.isnan(value)}


def weighted_auc(rows_of_slice: dict[str, np.ndarray]) -> float:
    """Share of the weight of pairs of a positive and a negative row that are in order."""
    positive, negative = rows_of_slice["y"] == 1, rows_of_slice["y"] == 0
    pairs = rows_of_slice["w"][positive][:, None] * rows_of_slice["w"][negative][None, :]
    difference = rows_of_slice["p"][positive][:, None] - rows_of_slice["p"][negative][None, :]
    return float((pairs * ((difference > 0) + (difference == 0) / 2)).sum() / pairs.sum())


def test_metrics_that_lack_a_class_or_weight_are_not_numbers(evaluated):
    results, _ = evaluated
    metrics = set(on(results, "both"))
    assert not undefined(on(results, "both")) | undefined(on(results, ""))
    assert undefined(on(results, "negatives")) == (NEED_BOTH | NEED_POSITIVES) & metrics
    assert undefined(on(results, "positives")) == NEED_BOTH & metrics
    assert (
        undefined(on(results, "weightless")) == (NEED_BOTH | NEED_POSITIVES | NEED_WEIGHT) & metrics
    )


def test_defined_metrics_equal_their_formulas(evaluated):
    results, _ = evaluated
    every = columns()
    for name in ["", "both"]:
        chosen = {k: v[every["s"] == name] if name else v for k, v in every.items()}
        assert on(results, name)["auc"] == pytest.approx(weighted_auc(chosen), abs=2e-3)
        hit = (chosen["p"] > 0.5) == chosen["y"]
        accuracy = np.average(hit, weights=chosen["w"])
        assert on(results, name)["binary_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert on(results, "positives")["auc_precision_recall"] == pytest.approx(1)


def test_thresholds_of_undefined_metrics_do_not_hold_and_say_so(evaluated):
    results, config = evaluated
    whole = Findings(
        eval_config="",
        split="eval",
        row_count=1,
        value_thresholds=1,
        change_thresholds=0,
        validation_ok=results.validation_ok,
        checks=tuple(metric_thresholds.checks(results, config)),
    )
    outcome = blessing_outcome.decide(whole, deployed="")
    slices = {reason.subject.partition("s=")[2] for reason in outcome.reasons}
    assert slices == {"negatives", "positives", "weightless"}
    assert outcome.reasons[0].text.startswith("auc_weighted was not computed on slice s=")
    assert "not a number" in outcome.reasons[0].text
    assert outcome.reasons[0].text.endswith("so it could not be checked: at least 0")
