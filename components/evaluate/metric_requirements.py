"""What each metric takes for granted of labels and predictions, and neither TFMA nor Keras checks.

Fed with anything else they compute a number all the same: an AUC of logits is 0.5, an accuracy
of one-hot metrics from class ids is the share of class 0.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kanaria.components.evaluate.private_tfma import (
    ConfusionMatrixMetric,
    confusion_matrix_metrics,
    metric_specs,
    metric_types,
)

CURVES = {"ConfusionMatrixPlot", "MultiClassConfusionMatrixPlot", "MultiLabelConfusionMatrixPlot"}
ENTROPIES = {
    "BinaryCrossEntropy",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossEntropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "KLDivergence",
    "SparseCategoricalCrossentropy",
}
DISCRIMINATION = {"CoefficientOfDiscrimination", "RelativeCoefficientOfDiscrimination"}
COUNTED = {"BinaryAccuracy"}
"""Counts predictions above its one threshold (0.5) on any scale, as Keras does while it trains."""
AT_THRESHOLDS = {"ConfusionMatrixAtThresholds", "MultiClassConfusionMatrixAtThresholds"}
BINARY = {"BinaryCrossEntropy", "BinaryCrossentropy", "BinaryFocalCrossentropy"}
BINARY |= {"BinaryIoU", "ConfusionMatrixAtThresholds", "ConfusionMatrixPlot"} | DISCRIMINATION
MANY_CLASSES = ("Categorical", "SparseCategorical", "SparseTopK", "TopK")
VECTORS = {"BinaryCrossEntropy", "CategoricalCrossEntropy"}
WITHOUT_LABELS = {
    "BooleanFlipRates",
    "ExampleCount",
    "MeanPrediction",
    "ModelCosineSimilarity",
    "NegToNegFlipRate",
    "NegToPosFlipRate",
    "PosToNegFlipRate",
    "PosToPosFlipRate",
    "QueryStatistics",
    "ScoreDistributionPlot",
    "SymmetricFlipRate",
    "SymmetricPredictionDifference",
    "WeightedExampleCount",
}
# Their labels are text, sets, boxes, images or queries, which they check themselves.
OF_OTHER_FORM = (
    "Bleu",
    "COCO",
    "ExactMatch",
    "FalseNegativeFeature",
    "FalsePositiveFeature",
    "MeanAbsoluteAttributions",
    "MeanAttributions",
    "MinLabelPosition",
    "NDCG",
    "ObjectDetection",
    "Rouge",
    "SemanticSegmentation",
    "SetMatch",
    "TotalAbsoluteAttributions",
    "TotalAttributions",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What one metric takes for granted.

    Attributes:
        metric: its class name.
        labels: it reads labels, as numbers.
        two_classes: labels 0 to 1 where the model predicts one number a row.
        probabilities: predictions 0 to 1.
        many_classes: one prediction a class.
        class_ids: one label a row, not one a class.
        vectors: one label a class, not one a row.
        above: labels and predictions are larger than this, or None.
        nonzero: no label is 0.
        buckets: between so many even thresholds from 0 to 1 no two predictions are told apart;
            None where they are, or where the thresholds are the user's.
    """

    metric: str
    labels: bool = True
    two_classes: bool = False
    probabilities: bool = False
    many_classes: bool = False
    class_ids: bool = False
    vectors: bool = False
    above: float | None = None
    nonzero: bool = False
    buckets: int | None = None


def _ranks_only(options: dict[str, Any], spec: Any) -> bool:
    """Tell whether only the order of predictions counts: the top k of them are chosen."""
    chosen = spec.binarize
    top_k = chosen.top_k_list.values and not (chosen.class_ids.values or chosen.k_list.values)
    return bool(options.get("top_k") or top_k or spec.aggregate.top_k_list.values)


def _needs_probabilities(name: str, instance: Any, options: dict[str, Any], spec: Any) -> bool:
    if name in ENTROPIES:
        return not options.get("from_logits")
    if name in CURVES | DISCRIMINATION:
        return True
    if name in COUNTED:
        return False
    is_matrix = isinstance(instance, ConfusionMatrixMetric)
    if not (is_matrix or name in AT_THRESHOLDS) or _ranks_only(options, spec):
        return False
    # Thresholds of the user's own are on the scale of his scores; curves cover 0 to 1 alone.
    at_one = isinstance(instance, confusion_matrix_metrics.ConfusionMatrixMetric)
    own = "thresholds" in options or "threshold" in options
    return not (own and (at_one or name in AT_THRESHOLDS))


def _options(config: str) -> dict[str, Any]:
    """Return a metric's options; TFMA takes their JSON with and without braces."""
    options: dict[str, Any] = json.loads(config if config.startswith("{") else f"{{{config}}}")
    return options


def _buckets(name: str, options: dict[str, Any]) -> int | None:
    own = "thresholds" in options or "top_k" in options
    if own or name not in ("AUC", "AUCPrecisionRecall"):
        return None
    return int(options.get("num_thresholds", 10_000))


def _one_to_one(name: str, is_keras: bool) -> bool:
    """Tell whether Keras pairs each predicted value with a label of its own."""
    return is_keras and not name.endswith("IoU") and not metric_types.is_registered_metric(name)


def of(metric: Any, spec: Any) -> Demand:
    """Return what a metric takes for granted.

    Args:
        metric: a `tfma.MetricConfig` without faults.
        spec: the `tfma.MetricsSpec` it stands in.
    """
    name = metric.class_name
    is_tfma = metric_types.is_registered_metric(name)
    instance = metric_specs.metric_instance(metric)
    is_matrix = isinstance(instance, ConfusionMatrixMetric)
    is_keras = type(instance).__module__.split(".")[0] in ("keras", "tf_keras")
    custom = not (is_tfma or is_matrix or is_keras)
    if custom or name in WITHOUT_LABELS or (is_tfma and name.startswith(OF_OTHER_FORM)):
        return Demand(metric=name, labels=False)
    options = _options(metric.config)
    sparse = not is_tfma and name.startswith("Sparse")
    split = spec.HasField("binarize") or spec.HasField("aggregate") or options.get("top_k")
    return Demand(
        metric=name,
        two_classes=is_matrix or name in BINARY,
        probabilities=_needs_probabilities(name, instance, options, spec),
        many_classes=name.startswith(MANY_CLASSES),
        class_ids=sparse,
        vectors=not split and not sparse and (name in VECTORS or _one_to_one(name, is_keras)),
        above=-1.0 if name == "MeanSquaredLogarithmicError" else None,
        nonzero=is_tfma and name == "MeanAbsolutePercentageError",
        buckets=_buckets(name, options),
    )


def of_output(config: Any, model: str, output: str) -> Iterator[Demand]:
    """Yield what the metrics of one output of a model take for granted.

    Args:
        config: a `tfma.EvalConfig` without faults.
        model: name of the model in it.
        output: name of the output in it, "" for the only one.
    """
    for spec in config.metrics_specs:
        names = [name for name in spec.model_names if name]
        if (names and model not in names) or (
            spec.output_names and output not in spec.output_names
        ):
            continue
        yield from (of(metric, spec) for metric in spec.metrics)
