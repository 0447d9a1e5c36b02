"""Tests one window with a detector. Pure, whatever was sent."""

from dataclasses import dataclass, replace
from typing import Any

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.drift.protocol import Detector, Reference
from kanaria.serving.drift.report import describe
from kanaria.serving.drift.report.bars import known
from kanaria.serving.drift.report.records import FAILED, Window
from kanaria.serving.drift_server.watching.alignment import aligned
from kanaria.serving.drift_server.watching.window_columns import Rows, chosen, flattened


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
    columns, differences = aligned(chosen(rows, told), told)
    seen = Window(
        detector=fitted.detector.name,
        begin=rows.begin,
        end=rows.end,
        rows=rows.rows,
        verdict=FAILED,
        inputs=describe.described(flattened(rows.inputs)),
        outputs=describe.outputs(rows.outputs, binary=binary),
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
