"""A metric of a user's own: the largest error of any row."""

from typing import Any

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_util


class _LargestCombiner(beam.CombineFn):
    def __init__(self, key: Any, eval_config: Any) -> None:
        self._key = key
        self._config = eval_config

    def create_accumulator(self) -> float:
        return 0.0

    def add_input(self, accumulator: float, element: Any) -> float:
        for label, prediction, _ in metric_util.to_label_prediction_example_weight(
            element, eval_config=self._config, model_name=self._key.model_name
        ):
            accumulator = max(accumulator, abs(float(label) - float(prediction)))
        return accumulator

    def merge_accumulators(self, accumulators: Any) -> float:
        return max(accumulators)

    def extract_output(self, accumulator: float) -> dict[Any, float]:
        return {self._key: accumulator}


def _computations(
    name: str, eval_config: Any = None, model_name: str = "", example_weighted: bool = False
) -> list[Any]:
    key = tfma.metrics.MetricKey(
        name=name, model_name=model_name, example_weighted=example_weighted
    )
    combiner = _LargestCombiner(key, eval_config)
    return [tfma.metrics.MetricComputation(keys=[key], preprocessors=None, combiner=combiner)]


class LargestError(tfma.metrics.Metric):
    """The largest difference of a label and a prediction."""

    def __init__(self, name: str = "largest_error") -> None:
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)
