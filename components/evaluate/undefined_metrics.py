"""Metrics that have no value are NaN: "not computed", where TFMA and Keras say 0.

A curve or a rate of a class that no row (or no weight) belongs to divides 0 by 0. TFMA says NaN
for its plain rates and 0 for those below, and Keras says 0 for a mean over no weight; a 0 passes
or breaks thresholds as if it were one (tensorflow/tensorflow#41081).
"""

from typing import Any

import numpy as np
import tf_keras

from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.private_tfma import confusion_matrix_metrics, metric_types


class _Defined:
    """NaN where the rows have no positive or no negative label of any weight.

    `needs_negatives` tells which of the two the metric divides by; all divide by the positives.
    """

    needs_negatives = True

    def _metric_value(self, key: Any, matrices: Any, **options: Any) -> Any:
        """Return TFMA's value or values, or as many NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):  # It divides 0 by 0, too.
            value = super()._metric_value(key=key, matrices=matrices, **options)  # type: ignore[misc]
        positives = matrices.tp[0] + matrices.fn[0]
        negatives = matrices.fp[0] + matrices.tn[0]
        needs_negatives = self.needs_negatives and options.get("curve", "").upper() != "PR"
        if positives > 0 and (negatives > 0 or not needs_negatives):
            return value
        return np.full_like(value, np.nan, dtype=float)[()]


class AUC(_Defined, confusion_matrix_metrics.AUC):
    """Area under the ROC or the precision-recall curve."""


class AUCPrecisionRecall(_Defined, confusion_matrix_metrics.AUCPrecisionRecall):
    """Area under the precision-recall curve."""

    needs_negatives = False


class SensitivityAtSpecificity(_Defined, confusion_matrix_metrics.SensitivityAtSpecificity):
    """Best sensitivity at a specificity."""


class SpecificityAtSensitivity(_Defined, confusion_matrix_metrics.SpecificityAtSensitivity):
    """Best specificity at a sensitivity."""


class PrecisionAtRecall(_Defined, confusion_matrix_metrics.PrecisionAtRecall):
    """Best precision at a recall."""

    needs_negatives = False


class RecallAtPrecision(_Defined, confusion_matrix_metrics.RecallAtPrecision):
    """Best recall at a precision."""

    needs_negatives = False


class RecallAtFalsePositiveRate(_Defined, confusion_matrix_metrics.RecallAtFalsePositiveRate):
    """Best recall at a false positive rate."""


class KerasCombiner(private.KerasCombiner):
    """TFMA's combiner of Keras metrics; a mean over no weight is NaN."""

    def extract_output(self, accumulator: Any) -> dict[Any, Any]:
        """Return the metrics by their keys."""
        values: dict[Any, Any] = super().extract_output(accumulator)
        without_weight = {
            (metric.name, output)
            for output, metrics in self._metrics.items()
            for metric in metrics
            if isinstance(metric, tf_keras.metrics.Mean) and not float(metric.count)
        }
        return {
            key: np.nan if (key.name, key.output_name) in without_weight else value
            for key, value in values.items()
        }


def install() -> None:
    """Let TFMA take these metrics by their usual names."""
    for metric in (
        AUC,
        AUCPrecisionRecall,
        SensitivityAtSpecificity,
        SpecificityAtSensitivity,
        PrecisionAtRecall,
        RecallAtPrecision,
        RecallAtFalsePositiveRate,
    ):
        metric_types.register_metric(metric)
    private.replace_keras_combiner(KerasCombiner)
