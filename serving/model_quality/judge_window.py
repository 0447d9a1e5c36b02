"""Judges a version on the labels that have come for a window: what `GET /quality` answers.

A label counts once, for the first answer to its request. Rows whose prediction or label is of
another kind than the task's, or no number that can be squared, are left out and counted.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift.category_texts import text_of, texts_of
from kanaria.serving.model_quality.quality_estimates import Array, Task, calibration, quality, share
from kanaria.serving.payload_log.exchanges import Exchange, LabelValue, Stream
from kanaria.serving.payload_log.store_reader import Reader
from kanaria.serving.protocol.payload_columns import Columns, read_columns

MAX_LABELLED = 1_000_000
"""Labelled rows that are judged at once, which bounds the memory."""
FARTHEST = 1e100
"""Values no farther from zero can be squared and summed."""


class JudgeError(DataError):
    """Predictions and labels of a window cannot be compared; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What is to be judged, and how.

    Attributes:
        begin: of the window, in seconds since 1970, included.
        end: excluded.
        output: name of the response's column, "" where it has only one.
    """

    stream: Stream
    begin: float
    end: float
    task: Task
    output: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """The rows of a window, those with a label apart.

    Attributes:
        rows: all instances of the window.
        predicted: shape (labelled rows,) or (labelled rows, classes).
        labels: shape (labelled rows,).
        lags: seconds from the exchange to the label's arrival, shape (labelled rows,).
        times: of the exchanges, in seconds since 1970, shape (labelled rows,).
        left_out: rows with a label beside these, that could not be compared.
    """

    rows: int
    predicted: Array
    labels: Array
    lags: Array
    times: Array
    left_out: int = 0


def read_query(parameters: Mapping[str, str]) -> Query:
    """Return what the parameters of a URL ask for.

    Raises:
        ParameterError: parameters are missing or wrong; all are named.
    """
    faults = Faults("quality")
    for name in ("namespace", "service"):
        faults.check(bool(parameters.get(name)), name, parameters.get(name), "name it")
    begin, end = (_moment(parameters.get(name, ""), name, faults) for name in ("begin", "end"))
    faults.check(not begin >= end, "end", parameters.get("end"), "use a time after begin")
    tasks = [task.value for task in Task]
    faults.check(
        parameters.get("task") in tasks, "task", parameters.get("task"), f"use one of {tasks}"
    )
    faults.raise_if_any()
    version = parameters.get("version", "")
    stream = Stream(
        namespace=parameters["namespace"], service=parameters["service"], version=version
    )
    task, output = Task(parameters["task"]), parameters.get("output", "")
    return Query(stream=stream, begin=begin, end=end, task=task, output=output)


def _moment(text: str, name: str, faults: Faults) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        faults.check(False, name, text, "use RFC 3339, as 2026-01-31T12:00:00Z")
        return math.nan
    return moment.timestamp()


def judge(reader: Reader, query: Query) -> dict[str, Any]:
    """Return coverage, lag and quality of a window as plain values for JSON.

    Raises:
        JudgeError: predictions and labels do not fit the task.
    """
    exchanges = reader.by_time(query.stream, query.begin, query.end)
    labelled = labelled_rows(exchanges, query.task, query.output)
    covered = share(len(labelled.labels), labelled.rows)
    report: dict[str, Any] = {
        "stream": asdict(query.stream),
        "begin": query.begin,
        "end": query.end,
        "task": query.task.value,
        "rows": labelled.rows,
        "labelled": len(labelled.labels),
        "left_out": labelled.left_out,
        "coverage": covered.value if covered else None,
        "lag_seconds": _quantiles(labelled.lags),
        "metrics": {},
    }
    if len(labelled.labels):
        estimates = quality(query.task, labelled.predicted, labelled.labels)
        report["metrics"] = {name: asdict(estimate) for name, estimate in estimates.items()}
    if query.task is Task.BINARY:
        report["calibration"] = [
            asdict(b) for b in calibration(labelled.predicted, labelled.labels)
        ]
    return report


def labelled_rows(exchanges: Iterable[Exchange], task: Task, output: str) -> Labelled:
    """Return predictions beside their labels; a body is decoded only where it has a label.

    Raises:
        JudgeError: no label can be compared: responses lack the output, or values do not fit the
            task; or there are too many.
    """
    rows = count = 0
    answered: set[str] = set()
    parts: list[_Part] = []
    faults: list[DataError] = []
    left_out = 0
    for exchange in exchanges:
        rows += exchange.rows
        if not exchange.labels or exchange.response is None or exchange.request_id in answered:
            continue
        try:
            predicted = predictions(read_columns(exchange.response), task, output)
        except DataError as error:
            left_out += len(exchange.labels)
            faults.append(error)
            continue
        answered.add(exchange.request_id)
        places = [row for row in exchange.labels if row < len(predicted)]
        parts.append(_Part(exchange=exchange, places=places, predicted=predicted[places]))
        count += len(places)
        if count > MAX_LABELLED:
            raise JudgeError(f"more than {MAX_LABELLED} labelled rows; choose a shorter window")
    return _together(parts, task, rows, left_out, faults)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """The labelled rows of one exchange: their places, and what was predicted there."""

    exchange: Exchange
    places: list[int]
    predicted: Array


def _together(
    parts: list[_Part], task: Task, rows: int, left_out: int, faults: list[DataError]
) -> Labelled:
    shapes = Counter(part.predicted.shape[1:] for part in parts if part.places)
    shape = shapes.most_common(1)[0][0] if shapes else ()
    classes = shape[0] if shape else 0
    predicted: list[Any] = []
    labels: list[LabelValue] = []
    lags: list[float] = []
    times: list[float] = []
    for part in parts:
        for place, value in zip(part.places, part.predicted, strict=True):
            label = part.exchange.labels[place]
            why = _fault(value, label.value, task, classes)
            if why:
                left_out += 1
                faults.append(JudgeError(why))
                continue
            predicted.append(value)
            labels.append(label.value)
            lags.append(label.received - part.exchange.time)
            times.append(part.exchange.time)
    if faults and not labels:
        raise faults[0]
    is_named = task is Task.MULTICLASS and not classes
    return Labelled(
        rows=rows,
        predicted=texts_of(predicted) if is_named else np.array(predicted, dtype=float),
        labels=texts_of(labels) if is_named else np.array(labels, dtype=float),
        lags=np.array(lags, dtype=float),
        times=np.array(times, dtype=float),
        left_out=left_out,
    )


def _fault(predicted: Any, label: LabelValue, task: Task, classes: int) -> str:
    """Return why a row cannot be compared, "" if it can."""
    if np.shape(predicted) != ((classes,) if classes else ()):
        return f"predictions {shown(predicted)}: not of one shape"
    if task is Task.MULTICLASS and not classes:
        return "" if predicted is not None else "predictions: none beside a label"
    if isinstance(label, str) or (task is Task.BINARY and label not in (0, 1)):
        return f"label {shown(label)}: does not fit task {task.value}"
    if not (np.abs(predicted) <= FARTHEST).all() or abs(label) > FARTHEST:
        return f"prediction {shown(predicted)}, label {shown(label)}: no numbers to be squared"
    return ""


def usable(predicted: Array) -> Array:
    """Return the rows of predictions that are numbers, or classes."""
    if predicted.dtype.kind not in "iuf":
        return predicted
    rows = np.abs(predicted.astype(float)) <= FARTHEST
    return predicted[rows.all(axis=1) if rows.ndim == 2 else rows]


def predictions(columns: Columns, task: Task, output: str) -> Array:
    """Return what a model answered, one row an instance, as its task is judged.

    Raises:
        JudgeError: the responses lack the output, or values do not fit the task.
    """
    return _predictions(list(_output(columns, output)), task)


def _output(columns: Columns, name: str) -> Array:
    if not name and len(columns) == 1:
        return next(iter(columns.values()))
    if name not in columns:
        raise JudgeError(f"output={name!r}: the response has {shown(sorted(columns))}; name one")
    return columns[name]


def _predictions(values: list[Any], task: Task) -> Array:
    if task is Task.MULTICLASS and not {str, bytes, type(None)}.isdisjoint(map(type, values)):
        return _named(values)
    try:
        predicted = np.array(values, dtype=None if task is Task.MULTICLASS else float)
    except (ValueError, TypeError, OverflowError) as error:
        raise JudgeError(f"predictions {shown(values[:3])}: not of one shape of numbers") from error
    if predicted.ndim == 2 and predicted.shape[1] == 1:
        predicted = predicted[:, 0]
    if task is Task.BINARY and predicted.ndim == 2 and predicted.shape[1] == 2:
        predicted = predicted[:, 1]  # Probabilities of both labels.
    if predicted.ndim > (2 if task is Task.MULTICLASS else 1):
        raise JudgeError(f"predictions of shape {predicted.shape}: do not fit task {task.value}")
    if task is Task.BINARY and ((predicted < 0) | (predicted > 1)).any():
        raise JudgeError("predictions: no probabilities from 0 to 1, which task binary needs")
    return predicted


def _named(values: list[Any]) -> Array:
    """Return classes as their texts; a long one among many short ones costs no memory."""
    names = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        names[row] = None if value is None else text_of(value)
    return names


def _quantiles(lags: Array) -> dict[str, float] | None:
    if not len(lags):
        return None
    return {f"p{q}": float(np.percentile(lags, q)) for q in (50, 90, 99)}
