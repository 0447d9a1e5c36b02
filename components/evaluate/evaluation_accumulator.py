"""The accumulator of an evaluation: checks of the rows, metrics, and scores for curves.

One pass scores the rows of a split and does all three. Rows that a metric would count wrongly
stop the metrics, not the pass: a fault names how many rows of the whole split have it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate import (
    label_check,
    label_check_facts,
    label_prediction_pairs,
    metric_requirements,
    score_counts,
)
from kanaria.components.evaluate.combined_metrics import Combined
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.group_state import GroupState
from kanaria.components.evaluate.label_check_facts import Missing, Pair, Weights
from kanaria.components.evaluate.metric_requirements import Demand
from kanaria.components.evaluate.metrics_accumulator import MetricsAccumulator
from kanaria.components.evaluate.private_tfma import tfma
from kanaria.components.evaluate.score_counts import Scores
from kanaria.components.shared.errors import DataError, shown

# Model and output, or model and column.
Name = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class NotFinite:
    """Predictions that are NaN or infinite.

    Attributes:
        count: how many rows have one.
        row: number of the first.
        values: its values, as messages show them.
        where: model and signature.
    """

    count: int
    row: int
    values: str
    where: str


@dataclass(slots=True)
class State:
    """What is known of the rows so far.

    Attributes:
        rows: how many there were.
        labels: model and column -> rows without a label.
        weights: model and column -> facts of the weights.
        pairs: model and output -> rows that show faults.
        not_finite: model and output -> predictions that are no numbers.
        scores: model and output -> rows by score, or None where they make no curve.
        metrics: states of the metrics; None once a fault was found.
    """

    rows: int = 0
    labels: dict[Name, Missing] = field(default_factory=dict)
    weights: dict[Name, Weights] = field(default_factory=dict)
    pairs: dict[Name, Pair] = field(default_factory=dict)
    not_finite: dict[Name, NotFinite] = field(default_factory=dict)
    scores: dict[Name, list[Scores] | None] = field(default_factory=dict)
    metrics: list[GroupState] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What all rows gave.

    Attributes:
        rows: how many there were.
        found: the combined metrics of each group of the plan.
        scores: model -> rows by score, of binary classifiers.
    """

    rows: int
    combined: list[Combined]
    scores: dict[str, Scores]


@lru_cache(maxsize=4)
def _parsed(config: bytes) -> Any:
    return tfma.EvalConfig.FromString(config)


@lru_cache(maxsize=64)
def _wanted(config: bytes, model: str, output: str) -> tuple[Demand, ...]:
    """Return what the metrics that read labels take for granted of an output."""
    demands = metric_requirements.of_output(_parsed(config), model, output)
    return tuple(demand for demand in demands if demand.labels)


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationAccumulator:
    """The accumulator of all that an evaluation finds.

    Attributes:
        config: bytes of a `tfma.EvalConfig` for exactly the models at hand.
        split: name of the split, for messages.
        with_metrics: whether metrics are computed, and not the rows checked alone.
    """

    config: bytes
    split: str
    with_metrics: bool = True

    @property
    def _metrics(self) -> MetricsAccumulator:
        return MetricsAccumulator(config=self.config)

    def create(self) -> State:
        """Return the state of no rows."""
        return State(metrics=self._metrics.create() if self.with_metrics else None)

    def add(self, state: State, batch: Rows) -> State:
        """Return the state with one more batch."""
        own = State()
        self._look(own, batch)
        metrics, state.metrics = state.metrics, None
        state = self._then(state, own)
        if metrics is not None and self._fault(state) is None:
            state.metrics = self._metrics.add(metrics, batch)
        return state

    def merge(self, states: Sequence[State]) -> State:
        """Return the state of all rows."""
        result, *others = states
        metrics = [state.metrics for state in states]
        for other in others:
            result = self._then(result, other)
        present = [each for each in metrics if each is not None]
        whole = len(present) == len(metrics)
        result.metrics = self._metrics.merge(present) if whole and present else None
        return result

    def extract(self, state: State) -> Result:
        """Return what was found.

        Raises:
            DataError: labels, predictions or weights do not serve.
        """
        fault = self._fault(state) or self._whole_fault(state)
        if fault is not None:
            raise fault
        return Result(
            rows=state.rows,
            combined=[] if state.metrics is None else self._metrics.extract(state.metrics),
            scores=self._binary(state),
        )

    def _look(self, state: State, batch: Rows) -> None:
        """Note what a batch is like."""
        state.rows = len(batch)
        for spec in _parsed(self.config).model_specs:
            for name, values in batch.predictions[spec.name].items():
                _look_finite(state, (spec.name, name), values, batch.wheres.get(spec.name, ""))
            for key in [spec.label_key, *spec.label_keys.values()]:
                if key:
                    absent = batch.missing(spec.name, key)
                    state.labels[spec.name, key] = label_check_facts.missing(absent)
            for key in [spec.example_weight_key, *spec.example_weight_keys.values()]:
                if key:
                    absent = batch.missing(spec.name, key)
                    facts = label_check_facts.weights(absent, batch.scalars(spec.name, key))
                    state.weights[spec.name, key] = facts
            for output, label in _compared(spec):
                self._look_pair(state, batch, spec, output, label)

    def _look_pair(self, state: State, batch: Rows, spec: Any, output: str, label: str) -> None:
        outputs = batch.predictions[spec.name]
        labels = batch.values(spec.name, label)
        predictions = label_prediction_pairs.chosen(outputs, output or spec.prediction_key)
        name = spec.name, output
        where = f"split {shown(self.split)}, label {shown(label)}"
        classes = _classes(outputs)
        state.pairs[name] = label_check_facts.of_pair(
            where, labels, predictions, classes, len(batch)
        )
        state.scores[name] = _scores(labels, predictions, self._crowds(name))

    def _crowds(self, name: Name) -> bool:
        return any(demand.buckets for demand in _wanted(self.config, *name))

    def _then(self, first: State, second: State) -> State:
        """Return what is known of two parts of the rows, but for the metrics."""
        if not second.rows or not first.rows:
            return first if first.rows else second
        for name, not_finite in second.not_finite.items():
            first.not_finite[name] = _more(first.not_finite.get(name), not_finite, first.rows)
        first.labels = {n: each.then(second.labels[n]) for n, each in first.labels.items()}
        first.weights = {n: each.then(second.weights[n]) for n, each in first.weights.items()}
        first.pairs = {n: each.then(second.pairs[n]) for n, each in first.pairs.items()}
        for name in first.scores:
            both = _joined(first.scores[name], second.scores[name])
            first.scores[name] = both if self._crowds(name) or _may_be_binary(both) else None
        first.rows += second.rows
        return first

    def _fault(self, state: State) -> DataError | None:
        """Return the fault that rows by themselves have, None for none."""
        try:
            self._check(state)
        except DataError as error:
            return error
        return None

    def _check(self, state: State) -> None:
        for (_, output), not_finite in state.not_finite.items():
            raise DataError(
                f"{not_finite.where}: output {output!r} is not finite in {not_finite.count} of "
                f"{state.rows} rows, first row {not_finite.row} with {not_finite.values}; mend "
                "the features or the model"
            )
        for spec in _parsed(self.config).model_specs:
            for (model, key), missing in state.labels.items():
                if model == spec.name:
                    where = f"split {shown(self.split)}, label {shown(key)}"
                    label_check.check_present(missing, where, "label")
            for (model, key), weights in state.weights.items():
                if model == spec.name:
                    label_check.check_weights(weights, self._weight(key))
            for name, pair in self._checked_pairs(state, spec):
                label_check.check_pair(pair, _wanted(self.config, *name))

    def _weight(self, key: str) -> str:
        return f"split {shown(self.split)}, weight {shown(key)}"

    def _checked_pairs(self, state: State, spec: Any) -> Iterator[tuple[Name, Pair]]:
        if spec.HasField("padding_options"):
            return  # Rows of several lengths, which TFMA fills up.
        for name, pair in state.pairs.items():
            if name[0] == spec.name:
                yield name, pair

    def _whole_fault(self, state: State) -> DataError | None:
        """Return the fault that all rows together have, None for none."""
        try:
            for (_, key), weights in state.weights.items():
                label_check.check_some_weight(weights, self._weight(key))
            for spec in _parsed(self.config).model_specs:
                for name, pair in self._checked_pairs(state, spec):
                    parts = state.scores[name]
                    whole = score_counts.together(parts) if parts else None
                    label_check.check_whole(pair, _wanted(self.config, *name), whole)
        except DataError as error:
            return error
        return None

    def _binary(self, state: State) -> dict[str, Scores]:
        result = {}
        for spec in _parsed(self.config).model_specs:
            parts = state.scores.get((spec.name, ""))
            if parts and not spec.example_weight_keys:
                whole = score_counts.together(parts)
                if whole.is_binary():
                    result[spec.name] = whole
        return result


def _compared(spec: Any) -> list[tuple[str, str]]:
    """Return each output, "" for the only one, and its label."""
    keys = dict(spec.label_keys) or {"": spec.label_key}
    return [(output, label) for output, label in keys.items() if label]


def _classes(outputs: dict[str, NDArray[Any]]) -> NDArray[Any] | None:
    """Return the names of the classes that a model of TensorFlow's estimators gives beside."""
    names = outputs.get("all_classes", outputs.get("classes") if "scores" in outputs else None)
    return None if names is None or len(outputs) == 1 else np.asarray(names[0]).reshape(-1)


def _look_finite(state: State, name: Name, values: NDArray[Any], where: str) -> None:
    if values.dtype.kind != "f":
        return
    bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        state.not_finite[name] = NotFinite(
            count=int(bad.sum()), row=row, values=shown(values[row].tolist()), where=where
        )


def _more(first: NotFinite | None, second: NotFinite, before: int) -> NotFinite:
    example = first or second
    return NotFinite(
        count=second.count + (first.count if first else 0),
        row=first.row if first else before + second.row,
        values=example.values,
        where=example.where,
    )


def _scores(
    labels: NDArray[Any] | None, predictions: NDArray[Any] | None, crowds: bool
) -> list[Scores] | None:
    """Return the rows of a batch by score; None where they have no single score and label."""
    if labels is None or predictions is None or predictions.size != len(labels):
        return None
    if labels.shape[1] != 1 or not {labels.dtype.kind, predictions.dtype.kind} <= set("biuf"):
        return None
    label, score = labels[:, 0], predictions.reshape(-1)
    if not (np.isfinite(label).all() and np.isfinite(score).all()):
        return None
    scores = [score_counts.of(label, score)]
    return scores if crowds or _may_be_binary(scores) else None


def _may_be_binary(parts: list[Scores] | None) -> bool:
    return bool(parts) and all(
        part.two_classes and part.score[0] >= 0 and part.score[-1] <= 1 for part in parts or []
    )


def _joined(first: list[Scores] | None, second: list[Scores] | None) -> list[Scores] | None:
    """Return the parts of both, added up once the last ones outweigh the first."""
    if first is None or second is None:
        return None
    parts = [*first, *second]
    later = sum(len(part.score) for part in parts[1:])
    return [score_counts.together(parts)] if later > 2 * len(parts[0].score) else parts
