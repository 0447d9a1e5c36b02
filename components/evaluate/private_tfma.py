"""The one place that imports TensorFlow Model Analysis, its private modules included.

Written for TFMA 0.47.1; another release must pass `tests/test_evaluate_engine.py`, which
compares the results of the private parts with those of the public ones.
"""

from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.evaluators import jackknife, metrics_validator, poisson_bootstrap
from tensorflow_model_analysis.evaluators import (
    metrics_plots_and_validations_evaluator as evaluator,
)
from tensorflow_model_analysis.evaluators.confidence_intervals_util import SampleMetrics
from tensorflow_model_analysis.extractors import (
    features_extractor,
    slice_key_extractor,
    sql_slice_key_extractor,
    unbatch_extractor,
)
from tensorflow_model_analysis.extractors.sql_slice_key_extractor import SqlSliceKeyExtractor
from tensorflow_model_analysis.metrics import (
    binary_confusion_matrices,
    calibration,
    calibration_histogram,
    confusion_matrix_metrics,
    cross_entropy_metrics,
    example_count,
    flip_metrics,
    mean_regression_error,
    metric_specs,
    metric_types,
    metric_util,
    multi_class_confusion_matrix_metrics,
    prediction_difference_metrics,
    squared_pearson_correlation,
    tf_metric_wrapper,
    tjur_discrimination,
)
from tensorflow_model_analysis.slicer import slicer_lib as slicer
from tensorflow_model_analysis.utils import model_util, util
from tensorflow_model_analysis.writers import (
    eval_config_writer,
)
from tensorflow_model_analysis.writers import (
    metrics_plots_and_validations_writer as results_writer,
)
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

# TFMA's package swallows ImportErrors and is then an empty module.
if not hasattr(tfma, "EvalConfig"):
    raise ImportError(
        "tensorflow_model_analysis imported as an empty module: one of its dependencies is "
        "missing (often dill); install the locked training runtime"
    )

confidence_interval_params = evaluator._get_confidence_interval_params
add_interval_metrics = evaluator._add_ci_derived_metrics
filter_by_key_type = evaluator._filter_by_key_type
is_diffable = evaluator._is_metric_diffable
is_private = evaluator._is_private_metrics
remove_private_metrics = evaluator._remove_private_metrics
separate_computations = evaluator._filter_and_separate_computations
validate_metrics = metrics_validator.validate_metrics
Preprocessing = evaluator._PreprocessorDoFn
COMBINER_INPUTS = evaluator._COMBINER_INPUTS_KEY
DEFAULT_COMBINER_INPUT = evaluator._DEFAULT_COMBINER_INPUT_KEY

JackknifeSamples = jackknife._JackknifeSampleCombineFn
BootstrapSamples = poisson_bootstrap._BootstrapSampleCombineFn
FULL_SAMPLE = jackknife._FULL_SAMPLE_ID

supported_columns = features_extractor._drop_unsupported_columns_and_fetch_raw_data_column
unbatched = unbatch_extractor._extract_unbatched_inputs
ExtractSliceKeys = slice_key_extractor.ExtractSliceKeysFn
ExtractSqlSliceKeys = sql_slice_key_extractor.ExtractSqlSliceKeyFn
serialized_run = eval_config_writer._serialize_eval_run

ConfusionMatrixMetric = confusion_matrix_metrics.ConfusionMatrixMetricBase
ExampleCountCombiner = example_count._ExampleCountCombiner

KerasCombiner = tf_metric_wrapper._CompilableMetricsCombiner
ThresholdEntry = binary_confusion_matrices.bcm_computations._ThresholdEntry
Matrix = binary_confusion_matrices.bcm_computations.Matrix
MatrixEntryKey = multi_class_confusion_matrix_metrics.MatrixEntryKey
NO_PREDICTED_CLASS = multi_class_confusion_matrix_metrics.NO_PREDICTED_CLASS_ID


def takes_rows_as_they_are(computation: Any) -> bool:
    """Tell whether a computation takes labels, predictions and weights with nothing done before."""
    preprocessors = computation.preprocessors or []
    usual = metric_types.StandardMetricInputsPreprocessor
    return not preprocessors or [type(each) for each in preprocessors] == [usual]


def replace_keras_combiner(combiner: type) -> None:
    """Let TFMA compute Keras metrics with a subclass of `KerasCombiner`."""
    tf_metric_wrapper._CompilableMetricsCombiner = combiner


histogram_to_matrices = binary_confusion_matrices._histogram_to_binary_confusion_matrices
MATRICES_EPSILON = binary_confusion_matrices._EPSILON


def replace_histogram_functions(rebin: Any, matrices: Any) -> None:
    """Let TFMA make bins and confusion matrices of histograms with these."""
    calibration_histogram.rebin = rebin
    binary_confusion_matrices._histogram_to_binary_confusion_matrices = matrices


CalibrationCombiner = calibration._WeightedLabelsPredictionsExamplesCombiner
HistogramCombiner = calibration_histogram._CalibrationHistogramCombiner
MatrixCombiner = binary_confusion_matrices._BinaryConfusionMatrixCombiner
RegressionErrorCombiner = mean_regression_error._MeanRegressionErrorCombiner
AbsoluteErrorCombiner = mean_regression_error._MeanAbsoluteErrorCombiner
SquaredErrorCombiner = mean_regression_error._MeanSquaredErrorCombiner
PercentageErrorCombiner = mean_regression_error._MeanAbsolutePercentageErrorCombiner
LogarithmicErrorCombiner = mean_regression_error._MeanSquaredLogarithmicErrorCombiner
CategoricalEntropyCombiner = cross_entropy_metrics._CategoricalCrossEntropyCombiner
BinaryEntropyCombiner = cross_entropy_metrics._BinaryCrossEntropyCombiner
TjurCombiner = tjur_discrimination._TjurDiscriminationCombiner
PearsonCombiner = squared_pearson_correlation._SquaredPearsonCorrelationCombiner
FlipCombiner = flip_metrics._BooleanFlipCountsCombiner
DifferenceCombiner = prediction_difference_metrics._SymmetricPredictionDifferenceCombiner
ClassMatrixCombiner = multi_class_confusion_matrix_metrics._MultiClassConfusionMatrixCombiner

PLAIN_PAIRS = metric_util.to_label_prediction_example_weight

__all__ = [
    "COMBINER_INPUTS",
    "DEFAULT_COMBINER_INPUT",
    "FULL_SAMPLE",
    "MATRICES_EPSILON",
    "NO_PREDICTED_CLASS",
    "PLAIN_PAIRS",
    "AbsoluteErrorCombiner",
    "BinaryEntropyCombiner",
    "BootstrapSamples",
    "CalibrationCombiner",
    "CategoricalEntropyCombiner",
    "ClassMatrixCombiner",
    "ConfusionMatrixMetric",
    "DifferenceCombiner",
    "ExampleCountCombiner",
    "ExtractSliceKeys",
    "ExtractSqlSliceKeys",
    "FlipCombiner",
    "HistogramCombiner",
    "JackknifeSamples",
    "KerasCombiner",
    "LogarithmicErrorCombiner",
    "Matrix",
    "MatrixCombiner",
    "MatrixEntryKey",
    "PearsonCombiner",
    "PercentageErrorCombiner",
    "Preprocessing",
    "RecordBatchToExamplesEncoder",
    "RegressionErrorCombiner",
    "SampleMetrics",
    "SqlSliceKeyExtractor",
    "SquaredErrorCombiner",
    "ThresholdEntry",
    "TjurCombiner",
    "add_interval_metrics",
    "binary_confusion_matrices",
    "calibration_histogram",
    "confidence_interval_params",
    "confusion_matrix_metrics",
    "filter_by_key_type",
    "histogram_to_matrices",
    "is_diffable",
    "is_private",
    "metric_specs",
    "metric_types",
    "metric_util",
    "model_util",
    "remove_private_metrics",
    "replace_histogram_functions",
    "replace_keras_combiner",
    "results_writer",
    "separate_computations",
    "serialized_run",
    "slicer",
    "supported_columns",
    "takes_rows_as_they_are",
    "tfma",
    "unbatched",
    "util",
    "validate_metrics",
]
