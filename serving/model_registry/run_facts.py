"""What a run says of itself in MLflow: parameters, metrics and tags from our own records. Pure."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kanaria.components.shared.artifacts.judged_metrics import Value
from kanaria.components.shared.config.keys import whole
from kanaria.serving.audit.entry import CREDENTIALS
from kanaria.serving.model_registry.mlflow_limits import (
    LONGEST_PARAMETER,
    LONGEST_TAG,
    cut,
    keys,
)

UNDEFINED = "kanaria.undefined_metrics"
"""Tag with the metrics that are no numbers: MLflow keeps an infinity as the largest number, and
its page of a run with a NaN does not open (mlflow 16555)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """What is logged of a run.

    Attributes:
        params: key -> value, which MLflow never changes again.
        metrics: key -> finite number.
        tags: key -> value.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def params(values: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters as MLflow takes them: a mapping's keys are dotted names, empty ones out."""
    flat = dict(_flat(whole(dict(values)), ""))
    return {key: cut(_text(flat[name]), LONGEST_PARAMETER) for name, key in keys(flat).items()}


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif value not in ("", None, []) or isinstance(value, bool | int | float):
        yield name, value


def _text(value: Any) -> str:
    """Return text without the passwords of URIs, and anything else as it is written in JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return CREDENTIALS.sub("", text)


def metrics(values: Iterable[Value], rows: int | None = None) -> RunFacts:
    """Return the metrics of an evaluation.

    `auc` is the metric over all rows and `auc/carrier:AA` that of a slice, so that MLflow draws a
    metric's slices together; `.low` and `.high` are the bounds of an interval.

    Args:
        values: of all slices.
        rows: that were evaluated; None where that is not known.
    """
    numbers: dict[str, float | None] = {}
    for value in values:
        name = f"{value.metric}/{value.slice}" if value.slice else value.metric
        numbers[name] = value.candidate
        if value.candidate_interval is not None:
            low, high = value.candidate_interval
            numbers |= {f"{name}.low": low, f"{name}.high": high}
    if rows is not None:
        numbers.setdefault("rows", rows)
    named = {key: numbers[name] for name, key in keys(numbers).items()}
    finite = {
        key: float(each) for key, each in named.items() if each is not None and math.isfinite(each)
    }
    lacking = [key for key in named if key not in finite]
    return RunFacts(metrics=finite, tags=tags({UNDEFINED: ", ".join(lacking)}))


def tags(values: Mapping[str, Any]) -> dict[str, str]:
    """Return tags as MLflow takes them; empty ones are left out."""
    present = {name: value for name, value in values.items() if value not in ("", None, {}, [])}
    return {name: cut(_text(value), LONGEST_TAG) for name, value in present.items()}


def joined(*facts: RunFacts) -> RunFacts:
    """Return all facts as one; of two with the same key the later counts."""
    together = RunFacts()
    for each in facts:
        together = RunFacts(
            params={**together.params, **each.params},
            metrics={**together.metrics, **each.metrics},
            tags={**together.tags, **each.tags},
        )
    return together
