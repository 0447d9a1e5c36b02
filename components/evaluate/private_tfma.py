"""The one place that imports TensorFlow Model Analysis, its private modules included.

Written for TFMA 0.47.1; another release must pass `tests/test_evaluate_engine.py`, which
compares the results of the private parts with those of the public ones.
"""

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.evaluators import (
    metrics_plots_and_validations_evaluator as evaluator,
)
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import (
    binary_confusion_matrices,
    calibration,
    calibration_histogram,
    confusion_matrix_metrics,
    example_count,
    mean_regression_error,
    metric_specs,
    metric_types,
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

# Combiners that take an array of labels and predictions as so many binary examples and
# add them up one by one, so a whole slice is one call.
SUMMING_COMBINERS = (
    calibration_histogram._CalibrationHistogramCombiner,
    binary_confusion_matrices._BinaryConfusionMatrixCombiner,
    calibration._WeightedLabelsPredictionsExamplesCombiner,
    mean_regression_error._MeanRegressionErrorCombiner,
)

__all__ = [
    "SUMMING_COMBINERS",
    "ConfusionMatrixMetric",
    "ExampleCountCombiner",
    "RecordBatchToExamplesEncoder",
    "add_derived_and_diff_metrics",
    "add_interval_metrics",
    "filter_by_key_type",
    "metric_specs",
    "metric_types",
    "remove_private_metrics",
    "separate_computations",
    "slicer",
    "tfma",
    "validate_metrics",
]
