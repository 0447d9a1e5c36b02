"""Tests one window with a detector. Pure, whatever was sent."""

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.drift.black_box_shift import BlackBoxShift
from kanaria.serving.drift.protocol import Detector, Reference
from kanaria.serving.drift.report import describe
from kanaria.serving.drift.report.bars import known
from kanaria.serving.drift.report.records import FAILED, Window
from kanaria.serving.drift.uncertainty import Uncertainty
from kanaria.serving.drift_server.payloads import Columns
from kanaria.serving.drift_server.watching.alignment import aligned
from kanaria.serving.drift_server.watching.window_columns import Rows, chosen, of_requests

MOST_DESCRIBED = 500
"""Columns of requests and of responses that a record describes, those that come first."""
OF_ANSWERS = (BlackBoxShift, Uncertainty)
"""Detectors that make their features of the responses themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """A detector with its reference, as `kanaria.serving.drift.saved` loads them."""

    detector: Detector[Any]
    reference: Reference


def examine(rows: Rows, fitted: Fitted, *, binary: bool = False) -> Window:
    """Return the record of a window; where it cannot be tested, the record says why.

    Args:
        rows: of the window.
        fitted: what tests it.
        binary: the model answers probabilities of class 1.
    """
    told = known(fitted.reference, fitted.detector.name)
    differences: list[str] = []
    columns = rows.outputs
    if not isinstance(fitted.detector, OF_ANSWERS):
        columns, differences = aligned(chosen(rows, told), told)
    seen = Window(
        detector=fitted.detector.name,
        begin=rows.begin,
        end=rows.end,
        rows=rows.rows,
        verdict=FAILED,
        inputs=describe.described(_first(of_requests(rows.inputs))),
        outputs=describe.outputs(_first(rows.outputs), binary=binary),
        differences=(*differences, *rows.differences),
    )
    try:
        result = fitted.detector.test(fitted.reference, columns)
    except KanariaError as error:
        return replace(seen, failure=str(error))
    # A detector's own fault must not stop the windows that follow.
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        return replace(seen, failure=f"{type(error).__name__}: {error}")
    found = describe.window(result, fitted.reference, columns, begin=rows.begin, end=rows.end)
    return replace(
        found,
        rows=seen.rows,
        inputs=seen.inputs,
        outputs=seen.outputs,
        differences=seen.differences,
    )


def failed(rows: Rows, detector: str, why: str) -> Window:
    """Return the record of a window that has no detector."""
    return Window(
        detector=detector,
        begin=rows.begin,
        end=rows.end,
        rows=rows.rows,
        verdict=FAILED,
        failure=why,
        differences=rows.differences,
    )


def _first(columns: Columns) -> Columns:
    return dict(islice(columns.items(), MOST_DESCRIBED))
