"""What the labels of one window say: realised quality, calibration, changes of the errors. Pure.

Errors are followed in the order of the exchanges' time by ADWIN (Bifet and Gavaldà 2007), over the
windows before and this one: a change of their mean is concept drift, or a change of the inputs
that the model copes with worse or better.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.online.adaptive_window import change_points
from kanaria.serving.drift.report_records import CalibrationBin, Labels, Metric
from kanaria.serving.drift_watch.watch_file import LabelSettings
from kanaria.serving.model_quality.expected_quality import expected
from kanaria.serving.model_quality.judge_window import Labelled, labelled_rows
from kanaria.serving.model_quality.quality_estimates import (
    Array,
    Estimate,
    Task,
    calibration,
    quality,
)
from kanaria.serving.payload_log.exchanges import Exchange
from kanaria.serving.payload_log.store_reader import Span

MOST_ERRORS = 1000
"""Errors that are kept of a window; where it has more, means of equally many rows each."""
DELTA = 0.002
"""Chance that ADWIN tells of a change where there is none, at each look."""


def judged(
    exchanges: Iterable[Exchange], settings: LabelSettings, before: Sequence[Labels]
) -> Labels:
    """Return what the labels of a window say; where they cannot be judged, why.

    Args:
        exchanges: of the window, at least one.
        settings: of the watch.
        before: the stream's earlier windows, in order; they calibrate and they are what this
            window's errors are compared with.
    """
    # Requests are not needed, and may be large.
    ordered = sorted((replace(one, request=None) for one in exchanges), key=lambda one: one.time)
    rows = sum(one.rows for one in ordered)
    plain = unjudged(Span(begin=ordered[0].time, end=ordered[-1].time, rows=rows), settings, "")
    try:
        labelled = labelled_rows(ordered, settings.task, settings.output)
        plain = replace(plain, left_out=labelled.left_out)
        return _filled(plain, labelled, settings.task, before) if len(labelled.labels) else plain
    except DataError as error:
        return replace(plain, failure=str(error))


def unjudged(span: Span, settings: LabelSettings, why: str) -> Labels:
    """Return the record of a window whose labels were not judged."""
    return Labels(
        begin=span.begin,
        end=span.end,
        rows=span.rows,
        labelled=0,
        lag=None,
        task=settings.task.value,
        failure=why,
    )


def _filled(plain: Labels, labelled: Labelled, task: Task, before: Sequence[Labels]) -> Labels:
    blocks = _blocks(_errors(task, labelled.predicted, labelled.labels))
    times = [float(block[-1]) for block in _split(labelled.times)]
    earlier = [error for one in before for error in one.errors]
    changes = _changes(earlier, blocks)
    bins = [one for window in before for one in window.calibration]
    return replace(
        plain,
        labelled=len(labelled.labels),
        lag=float(np.median(labelled.lags)),
        metrics=named(quality(task, labelled.predicted, labelled.labels)),
        estimated=named(expected(task, labelled.predicted, bins)),
        changes=tuple(times[place] for place in changes),
        calibration=_calibration(task, labelled.predicted, labelled.labels),
        errors=tuple(blocks),
    )


def _changes(earlier: Sequence[float], new: Sequence[float]) -> list[int]:
    """Return the places in `new` at which ADWIN, which wants values from 0 to 1, sees a change."""
    errors = np.array([*earlier, *new])
    most = float(errors.max()) or 1.0
    places = change_points(errors / most, DELTA)
    return [place - len(earlier) for place in places if place >= len(earlier)]


def named(estimates: dict[str, Estimate]) -> tuple[Metric, ...]:
    """Return estimates as a report's metrics."""
    return tuple(
        Metric(name=name, value=float(one.value), low=float(one.low), high=float(one.high))
        for name, one in estimates.items()
    )


def _errors(task: Task, predicted: Array, labels: Array) -> Array:
    if task is Task.REGRESSION:
        return np.abs(predicted - labels)
    if task is Task.BINARY:
        answered = predicted >= 0.5
    else:
        answered = predicted if predicted.ndim == 1 else predicted.argmax(axis=1)
    return np.asarray(answered != labels, dtype=float)


def _calibration(task: Task, predicted: Array, labels: Array) -> tuple[CalibrationBin, ...]:
    if task is Task.BINARY:
        bins = calibration(predicted, labels)
    elif task is Task.MULTICLASS and predicted.ndim == 2:
        hits = (predicted.argmax(axis=1) == labels).astype(float)
        bins = calibration(predicted.max(axis=1), hits)
    else:
        return ()
    return tuple(
        CalibrationBin(rows=one.rows, predicted=one.predicted, observed=one.observed.value)
        for one in bins
    )


def _blocks(errors: Array) -> list[float]:
    return [float(block.mean()) for block in _split(errors)]


def _split(values: Array) -> list[Array]:
    return np.array_split(values, min(len(values), MOST_ERRORS))
