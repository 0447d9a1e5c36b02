"""The one place that imports TensorFlow Model Analysis, its private modules included.

Written for TFMA 0.47.1; another release must pass `tests/test_evaluate_engine.py`, which
compares the results of the private parts with those of the public ones.
"""

from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.evaluators import (
    metrics_plots_and_validations_evaluator as evaluator,
)
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.extractors.sql_slice_key_extractor import SqlSliceKeyExtractor
from tensorflow_model_analysis.metrics import (
    binary_confusion_matrices,
    calibration,
    calibration_histogram,
    confusion_matrix_metrics,
    example_count,
    mean_regression_error,
    metric_specs,
    metric_types,
    metric_util,
    tf_metric_wrapper,
)
from tensorflow_model_analysis.slicer import slicer_lib as slicer
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

# TFMA's package swallows ImportErrors and is then an empty module.
if not hasattr(tfma, "EvalConfig"):
    raise ImportError(
        "tensorflow_model_analysis imported as an empty module: one of its dependencies is "
        "missing (often dill); install the locked training runtime"
    )

add_derived_and_diff_metrics = evaluator._AddDerivedCrossSliceAndDiffMetrics
add_interval_metrics = evaluator._add_ci_derived_metrics
filter_by_key_type = evaluator._filter_by_key_type
remove_private_metrics = evaluator._remove_private_metrics
separate_computations = evaluator._filter_and_separate_computations
validate_metrics = metrics_validator.validate_metrics

ConfusionMatrixMetric = confusion_matrix_metrics.ConfusionMatrixMetricBase
ExampleCountCombiner = example_count._ExampleCountCombiner

KerasCombiner = tf_metric_wrapper._CompilableMetricsCombiner


def replace_keras_combiner(combiner: type) -> None:
    """Let TFMA compute Keras metrics with a subclass of `KerasCombiner`."""
    tf_metric_wrapper._CompilableMetricsCombiner = combiner


_SUMMING = (
    calibration_histogram._CalibrationHistogramCombiner,
    binary_confusion_matrices._BinaryConfusionMatrixCombiner,
    calibration._WeightedLabelsPredictionsExamplesCombiner,
    mean_regression_error._MeanRegressionErrorCombiner,
)
_PLAIN_PAIRS = metric_util.to_label_prediction_example_weight


def sums_rows(combiner: Any) -> bool:
    """Tell whether a combiner treats an array of n scalar predictions as n rows.

    These combiners flatten the arrays of one input into pairs of label and prediction and
    add the pairs up one by one, so one call with n rows equals n calls with one row.
    """
    if not isinstance(combiner, _SUMMING):
        return False
    key = getattr(combiner, "_key", None) or combiner._metric_key
    if key.sub_key or combiner._aggregation_type or combiner._class_weights:
        return False
    if getattr(combiner, "_example_id_key", None):
        return False
    return getattr(combiner, "_extract_label_prediction_and_weight", None) in (None, _PLAIN_PAIRS)


__all__ = [
    "ConfusionMatrixMetric",
    "ExampleCountCombiner",
    "KerasCombiner",
    "RecordBatchToExamplesEncoder",
    "SqlSliceKeyExtractor",
    "add_derived_and_diff_metrics",
    "add_interval_metrics",
    "confusion_matrix_metrics",
    "filter_by_key_type",
    "metric_specs",
    "metric_types",
    "remove_private_metrics",
    "replace_keras_combiner",
    "separate_computations",
    "slicer",
    "sums_rows",
    "tfma",
    "validate_metrics",
]
