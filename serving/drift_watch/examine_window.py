"""Tests one window with a detector. Pure, whatever was sent."""

import math
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

from kanaria.components.shared.errors import DataError, KanariaError, shown
from kanaria.serving.drift.detector import Detector, Reference, Result
from kanaria.serving.drift.image_features import NAMES as OF_IMAGES
from kanaria.serving.drift.model_outputs.black_box_shift import BlackBoxShift
from kanaria.serving.drift.model_outputs.uncertainty import Uncertainty
from kanaria.serving.drift.online.online_detector import OnlineDetector
from kanaria.serving.drift.online.stream_memory import Following, resumed
from kanaria.serving.drift.online.stream_window import RowByRow
from kanaria.serving.drift.report import window_record
from kanaria.serving.drift.report.histogram_bars import distributions
from kanaria.serving.drift.report_records import FAILED, Window
from kanaria.serving.drift_watch import matrix_names
from kanaria.serving.drift_watch.column_alignment import aligned, is_read
from kanaria.serving.drift_watch.window_columns import (
    Rows,
    chosen,
    of_requests,
    of_responses,
)
from kanaria.serving.payload_log.store_reader import Span
from kanaria.serving.protocol.payload_columns import Columns, rows_of

MOST_DESCRIBED = 500
"""Columns of requests and of responses that a record describes, those that come first."""
OF_ANSWERS = (BlackBoxShift, Uncertainty)
"""Detectors that make their features of the responses themselves."""
OWN_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a detector's or this program's own fault raises; it must not stop the next windows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """A detector with its reference, as `kanaria.serving.drift.saved_detector` loads them.

    Attributes:
        matrix: names of the columns of a request's one matrix; () where requests name their inputs.
    """

    detector: Detector[Any]
    reference: Reference
    matrix: tuple[str, ...] = ()

    def resumed(self, memory: bytes | None) -> "Fitted":
        """Return what tests the next window of a stream; most detectors remember nothing of it.

        Args:
            memory: of the stream, as `memory` gave it after the window before; None at its start.
        """
        if not isinstance(self.detector, RowByRow):
            return self
        return replace(
            self, detector=resumed(cast(OnlineDetector[Any], self.detector), self.reference, memory)
        )

    def memory(self) -> bytes | None:
        """Return where the stream is after the tested window, None where nothing is remembered."""
        if not isinstance(self.detector, Following):
            return None
        return self.detector.memory(self.reference)

    @property
    def of_pixels(self) -> bool:
        """Whether its features are a matrix's places, as those of raw images are."""
        features = distributions(self.reference, self.detector.name)
        of_matrix = any(name == "0" or name.endswith(".0") for name in features)
        return of_matrix and not features.keys() & set(OF_IMAGES)


def examine(rows: Rows, fitted: Fitted, *, binary: bool = False) -> Window:
    """Return the record of a window; where it cannot be tested, the record says why.

    Args:
        rows: of the window.
        fitted: what tests it.
        binary: the model answers probabilities of class 1.
    """
    untested = failed(rows, fitted.detector.name, "")
    try:
        rows = matrix_names.named(rows, fitted.matrix)
        untested = replace(untested, differences=rows.differences)
        untested = replace(
            untested,
            inputs=window_record.described(_first(of_requests(rows.inputs))),
            outputs=window_record.outputs(_first(rows.outputs), binary=binary),
        )
        return _tested(rows, fitted, untested)
    except KanariaError as error:
        return replace(untested, failure=str(error))
    except OWN_FAULTS as error:
        return replace(untested, failure=f"{type(error).__name__}: {error}")


def _tested(rows: Rows, fitted: Fitted, untested: Window) -> Window:
    features = distributions(fitted.reference, fitted.detector.name)
    columns = rows.outputs
    if not isinstance(fitted.detector, OF_ANSWERS):
        sent = chosen(rows, features)
        columns, differences = aligned(sent, features)
        untested = replace(untested, differences=(*differences, *untested.differences))
        if features and rows_of(sent) and not is_read(sent, columns):
            return replace(untested, failure=_nothing_read(rows, list(features)))
    result = fitted.detector.test(fitted.reference, columns)
    _refuse_unknown_effects(result)
    window = window_record.window(result, fitted.reference, columns, span=(rows.begin, rows.end))
    return replace(
        window,
        rows=untested.rows,
        inputs=untested.inputs,
        outputs=untested.outputs,
        differences=untested.differences,
    )


def _nothing_read(rows: Rows, wanted: list[str]) -> str:
    inputs, outputs = list(of_requests(rows.inputs)), list(of_responses(rows.outputs))
    return (
        f"no column of the reference was read: it has {shown(wanted)}, the requests have "
        f"{shown(inputs)}, the responses {shown(outputs)}; name them alike, or fit the detector on "
        "what is sent"
    )


def _refuse_unknown_effects(result: Result) -> None:
    """Refuse a result that says nothing, which would be taken for no drift.

    Raises:
        DataError: an effect is not a number.
    """
    unknown = [one.feature for one in result.features if math.isnan(one.effect.value)]
    if unknown:
        raise DataError(f"features {shown(unknown)}: the size of their difference is no number")


def failed(rows: Rows | Span, detector: str, why: str) -> Window:
    """Return the record of a window that was not tested."""
    return Window(
        detector=detector,
        begin=rows.begin,
        end=rows.end,
        rows=rows.rows,
        verdict=FAILED,
        failure=why,
        differences=rows.differences if isinstance(rows, Rows) else (),
    )


def _first(columns: Columns) -> Columns:
    return dict(islice(columns.items(), MOST_DESCRIBED))
