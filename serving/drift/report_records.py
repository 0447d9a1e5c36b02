"""What a report holds, and its JSON form. Numbers are finite; what is not known is null.

    {"title", "created",
     "watched": [{"name",
       "windows": [{"name", "detector", "begin", "end", "rows", "reference_rows", "verdict",
                    "failure", "statistic", "p_value", "threshold", "effect": EFFECT | null,
                    "features": [{"feature", "statistic", "p_value", "threshold", "effect": EFFECT,
                                  "drifted", "enough", "reference": COLUMN | null,
                                  "window": COLUMN | null, "bars": BARS | null}],
                    "inputs": [COLUMN], "outputs": [COLUMN], "differences": [text],
                    "estimated": [METRIC], "last"}],
       "labels": [{"begin", "end", "rows", "labelled", "lag", "task", "metrics": [METRIC],
                   "estimated": [METRIC], "changes": [time], "calibration": [BIN],
                   "errors": [number], "failure", "left_out"}]}]}

    EFFECT  {"name", "value", "low", "high", "least"}
    COLUMN  {"name", "rows", "missing", "mean", "length", "shares": {value: share}}
    BARS    {"edges": [n + 1 numbers] or [], "kinds": [n texts] or [], "reference": [n shares],
             "window": [n shares]}
    METRIC  {"name", "value", "low", "high"}
    BIN     {"rows", "predicted", "observed"}

A document that is kept has `format` besides, the number of its form.

Times are seconds since 1970, shares go from 0 to 1, lags are seconds.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.utf8_text import encodable
from kanaria.serving.drift.detector import Effect, Verdict

FAILED = "failed"
"""The verdict of a window that a detector could not test; `failure` tells why."""
VERDICTS = (*(verdict.value for verdict in Verdict), FAILED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """What one column of a window or a reference holds.

    Attributes:
        name: of the feature or the output.
        rows: with and without a value.
        missing: rows without one.
        mean: of the numbers; None where there are none.
        length: mean number of characters of the texts; None where there are none.
        shares: classes of an output, with their shares of the rows that have a value.
    """

    name: str
    rows: int
    missing: int
    mean: float | None = None
    length: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """Two distributions over the same bars, n of them.

    Attributes:
        edges: n + 1 ascending numbers; what lies beyond is in the outermost. Empty for categories.
        kinds: n categories; empty for numbers.
        reference: n shares of the rows with a value.
        window: the same.
    """

    edges: tuple[float, ...] = ()
    kinds: tuple[str, ...] = ()
    reference: tuple[float, ...]
    window: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """What was found for one feature; `kanaria.serving.drift.detector.FeatureResult` and columns.

    Attributes:
        reference: None where the reference does not tell.
        window: None where the column is not there.
        bars: None where the reference does not tell.
    """

    feature: str
    statistic: float | None
    p_value: float | None
    threshold: float | None
    effect: Effect
    drifted: bool
    enough: bool
    reference: Column | None = None
    window: Column | None = None
    bars: Bars | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A measure of quality with its 95 % band."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationBin:
    """Rows of similar predicted probability: their mean probability, and the share of ones."""

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A window of rows, tested.

    Attributes:
        name: what a person calls it; where it is "", its times do.
        begin: of its first row, None where rows have no time.
        end: of its last row.
        verdict: one of VERDICTS.
        failure: why it could not be tested, else "".
        features: in the reference's order.
        inputs: columns of the requests.
        outputs: columns of the responses.
        differences: between the window's schema and the reference's, in words.
        estimated: quality expected from the model's own probabilities, before any label.
        last: number of its last exchange in the drift server's store; None elsewhere.
    """

    name: str = ""
    detector: str
    begin: float | None = None
    end: float | None = None
    rows: int
    reference_rows: int = 0
    verdict: str
    failure: str = ""
    statistic: float | None = None
    p_value: float | None = None
    threshold: float | None = None
    effect: Effect | None = None
    features: tuple[Feature, ...] = ()
    inputs: tuple[Column, ...] = ()
    outputs: tuple[Column, ...] = ()
    differences: tuple[str, ...] = ()
    estimated: tuple[Metric, ...] = ()
    last: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """The labels that have come for a window, and what they say.

    Attributes:
        rows: instances of the window.
        labelled: of them, those with a label.
        lag: median seconds from a prediction to its label.
        task: of the model, as `kanaria.serving.model_quality.quality_estimates.Task`.
        metrics: as realised.
        estimated: of the same rows, as expected from earlier windows' calibration.
        changes: times at which the errors' mean changed (ADWIN), in this window.
        calibration: probabilities beside what came true; for binary tasks.
        errors: in the order of time, 0 or more: each the mean of equally many consecutive rows.
        failure: why the labels could not be judged, else "".
        left_out: rows with a label beside those, whose prediction or label does not fit the task.
    """

    begin: float
    end: float
    rows: int
    labelled: int
    lag: float | None
    task: str
    metrics: tuple[Metric, ...] = ()
    estimated: tuple[Metric, ...] = ()
    changes: tuple[float, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    errors: tuple[float, ...] = ()
    failure: str = ""
    left_out: int = 0

    @property
    def coverage(self) -> float:
        """Share of the rows that have a label."""
        return self.labelled / self.rows if self.rows else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What one detector saw of one model version, or of one pair of data sets.

    Attributes:
        name: for instance "default/flights, version 3".
        windows: in the order they were tested.
        labels: in the same order; fewer, as labels come later.
    """

    name: str
    windows: tuple[Window, ...]
    labels: tuple[Labels, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All that is watched.

    Attributes:
        title: of the page.
        created: when, in seconds since 1970.
    """

    title: str
    created: float
    watched: tuple[Watched, ...]


FORMAT = DocumentFormat()
"""Of a report, a window and labels: one number for all three."""
_WINDOW, _LABELS, _REPORT = TypeAdapter(Window), TypeAdapter(Labels), TypeAdapter(Report)


def dump(report: Report) -> str:
    """Return a report as JSON."""
    return _dumped(_REPORT, report)


def dump_window(window: Window) -> str:
    """Return a window as JSON, which `load_window` reads.

    Raises:
        DataError: it holds a number that is none, where there must be one.
    """
    text = _dumped(_WINDOW, window)
    load_window(text)
    return text


def dump_labels(labels: Labels) -> str:
    """Return what labels say as JSON, which `load_labels` reads.

    Raises:
        DataError: they hold a number that is none, where there must be one.
    """
    text = _dumped(_LABELS, labels)
    load_labels(text)
    return text


def load_window(text: str) -> Window:
    """Return the window that `dump_window` wrote.

    Raises:
        DataError: it is none.
    """
    try:
        return _WINDOW.validate_json(_current("window", text))
    except ValueError as error:
        raise _unknown("window", text, error) from error


def load_labels(text: str) -> Labels:
    """Return the labels that `dump_labels` wrote.

    Raises:
        DataError: they are none.
    """
    try:
        return _LABELS.validate_json(_current("labels", text))
    except ValueError as error:
        raise _unknown("labels", text, error) from error


def _dumped(adapter: TypeAdapter[Any], record: object) -> str:
    return json.dumps(FORMAT.numbered(_plain(adapter.dump_python(record))), allow_nan=False)


def _plain(value: Any) -> Any:
    """Return a value of which JSON can hold all: texts that UTF-8 has, numbers of Python."""
    if isinstance(value, Mapping):
        return {encodable(str(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return encodable(value) if isinstance(value, str) else value


def _current(kind: str, text: str) -> str:
    return json.dumps(FORMAT.current(json.loads(text), f"{kind} {shown(text[:100])}"))


def _unknown(kind: str, text: str, error: ValueError) -> DataError:
    return DataError(f"{kind} {shown(text[:100])}: {shown(str(error))}; write it anew")
