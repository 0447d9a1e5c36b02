"""The metrics and thresholds of an evaluation, as `findings.json` beside TFMA's files keeps them.

evaluate_model writes the file, with curves beside these; who tells of a release reads it again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from kanaria.components.shared.artifacts.document_format import Document, DocumentFormat, unchanged
from kanaria.components.shared.errors import DataError, shown

FILE = "findings.json"
Interval: TypeAlias = tuple[float, float]


def _without_plots(document: Document) -> Document:
    """Make of format 1, which has neither intervals nor plots, one that has none of them."""
    return {**document, "matrices": {}, "buckets": {}}


FORMAT = DocumentFormat((unchanged, _without_plots))


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One metric on one slice.

    Attributes:
        slice: for instance "carrier=AA"; "" is the overall slice.
        metric: name, with output, class and weighting where they matter.
        candidate: value of the candidate; None when it was not computed.
        baseline: value of the deployed model; None when there is none.
        candidate_interval: bounds of its confidence interval; None when none was asked for.
        baseline_interval: likewise of the deployed model.
    """

    slice: str
    metric: str
    candidate: float | None
    baseline: float | None
    candidate_interval: Interval | None = None
    baseline_interval: Interval | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One threshold on one slice.

    Attributes:
        value: which metric and slice, and its values.
        kind: "value_threshold" or "change_threshold".
        bound: the limit as text.
        passed: TFMA's verdict.
        text: one sentence with the value and the limit.
    """

    value: Value
    kind: str
    bound: str
    passed: bool
    text: str

    def as_page_row(self) -> dict[str, Any]:
        """Return it as a page of a run shows it, see `pipelines.local.run_page.result_sections`."""
        return {
            "metric": self.subject,
            "candidate": self.value.candidate,
            "deployed": self.value.baseline,
            "limit": self.bound,
            "passed": self.passed,
        }

    @property
    def subject(self) -> str:
        """Return the metric and its slice, for instance "auc @ carrier=AA"."""
        return (
            f"{self.value.metric} @ {self.value.slice}" if self.value.slice else self.value.metric
        )


def _interval(raw: Sequence[float] | None) -> Interval | None:
    return None if raw is None else (float(raw[0]), float(raw[1]))


def value_of(raw: Mapping[str, Any]) -> Value:
    """Return a value from its entry in the document; raises as `parse` of any JSON does."""
    candidate, baseline = (
        None if raw[name] is None else float(raw[name]) for name in ("candidate", "baseline")
    )
    return Value(
        slice=raw["slice"],
        metric=raw["metric"],
        candidate=candidate,
        baseline=baseline,
        candidate_interval=_interval(raw.get("candidate_interval")),
        baseline_interval=_interval(raw.get("baseline_interval")),
    )


def check_of(raw: Mapping[str, Any]) -> Check:
    """Return a threshold from its entry in the document."""
    return Check(**{**raw, "value": value_of(raw["value"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedMetrics:
    """What of an evaluation tells how good a model is, and by which limits.

    Attributes:
        split: name of the evaluated split.
        rows: how many it has.
        notes: what a reader must know of how it was computed.
        values: every scalar metric of every slice, the overall slice first.
        checks: every threshold on every slice it covers, failed ones first.
    """

    split: str = ""
    rows: int = 0
    notes: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    checks: tuple[Check, ...] = ()


def read(folder: Path) -> JudgedMetrics:
    """Return the metrics and thresholds of an evaluation or comparison artifact.

    Raises:
        DataError: there are none, or they do not parse.
    """
    path = folder / FILE
    try:
        raw = FORMAT.current(json.loads(path.read_text(encoding="utf-8")), str(path))
        return JudgedMetrics(
            split=str(raw["split"]),
            rows=int(raw["row_count"]),
            notes=tuple(str(note) for note in raw["notes"]),
            values=tuple(value_of(each) for each in raw["values"]),
            checks=tuple(check_of(each) for each in raw["checks"]),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path}: no readable evaluation ({shown(error)}); give what bless_model wrote"
        ) from error
