"""A window of a stream, told in the record of all other detectors.

A run without drift alarms at each row with the same chance, so its length is geometric: the p-value
of an alarm is the chance of a false one at its row or before, counted from the window's first, and
its threshold that of one within the window. Whether a row alarms is the online detector's to say,
by thresholds that keep its expected run time over all windows.
"""

import math
from typing import Generic

from kanaria.serving.drift.detector import Columns, FeatureResult, Result
from kanaria.serving.drift.online.online_detector import (
    OnlineDetector,
    OnlineFeature,
    OnlineResult,
    ReferenceT,
    State,
)
from kanaria.serving.drift.table_columns import missing


class RowByRow(Generic[ReferenceT]):
    """What makes an online detector one that tests a window: the window is a stream of its own."""

    __slots__ = ()

    def test(self: OnlineDetector[ReferenceT], reference: ReferenceT, window: Columns) -> Result:
        """Return how `window`, in the order of its rows, compares with the reference."""
        return tested(self, reference, self.start(reference), window)[1]


def tested(
    detector: OnlineDetector[ReferenceT], reference: ReferenceT, state: State, window: Columns
) -> tuple[State, Result]:
    """Return the state after the rows of `window`, and what they showed."""
    after, answer = detector.update(reference, state, window)
    chance = detector.false_alarm
    p_value = chance(answer.row - state.rows) if answer.alarms else 1.0
    # The last row's alarm counts too.
    threshold = math.nextafter(chance(answer.rows), math.inf)
    features = tuple(
        FeatureResult(
            feature=one.feature,
            statistic=one.statistic,
            p_value=p_value if answer.alarms and one.drifted else 1.0,
            threshold=threshold,
            effect=one.effect,
            reference_rows=reference.rows,
            window_rows=_rows(one, window, answer),
            enough=one.position >= detector.fewest,
        )
        for one in answer.features
    )
    return after, Result(
        detector=detector.name,
        statistic=answer.foremost.statistic,
        p_value=p_value,
        threshold=threshold,
        effect=max((one.effect for one in features), key=lambda effect: effect.value),
        features=features,
        reference_rows=reference.rows,
        window_rows=answer.rows,
    )


def _rows(feature: OnlineFeature, window: Columns, answer: OnlineResult) -> int:
    """Return the rows of the window in which a feature has a value."""
    if feature.feature not in window:
        return answer.rows
    return int((~missing(window[feature.feature])).sum())
