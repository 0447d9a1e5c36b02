"""Makes the record of a window from what a detector said of it. Pure."""

import math
import sys
from collections.abc import Mapping
from dataclasses import replace

from kanaria.serving.drift.detector import Columns, Effect, FeatureResult, Reference, Result
from kanaria.serving.drift.report import column_measures
from kanaria.serving.drift.report.histogram_bars import Distribution, bars, distributions
from kanaria.serving.drift.report_records import Column, Feature, Window

MISSING = " (missing)"
"""Ends the name under which a table tests how often a feature has no value."""


def window(
    result: Result,
    reference: Reference,
    columns: Columns,
    *,
    name: str = "",
    span: tuple[float | None, float | None] = (None, None),
) -> Window:
    """Return the record of a tested window.

    Args:
        result: of the detector.
        reference: that it was compared with.
        columns: of the window, as the detector got them.
        name: of the window, where its times do not name it.
        span: times of its first row and its last, in seconds since 1970.
    """
    references = distributions(reference, result.detector)
    features = tuple(_feature(feature, references, columns) for feature in result.features)
    return Window(
        name=name,
        detector=result.detector,
        begin=span[0],
        end=span[1],
        rows=result.window_rows,
        reference_rows=result.reference_rows,
        verdict=result.verdict.value,
        statistic=_finite(result.statistic),
        p_value=_finite(result.p_value),
        threshold=_finite(result.threshold),
        effect=_within_floats(result.effect),
        features=features,
        inputs=described(columns),
    )


def described(columns: Columns) -> tuple[Column, ...]:
    """Return the statistics of every column."""
    return tuple(column_measures.column(name, values) for name, values in columns.items())


def outputs(columns: Columns, *, binary: bool = False) -> tuple[Column, ...]:
    """Return the statistics of a model's answers, with the shares of the classes among them.

    Args:
        columns: of the responses.
        binary: numbers are probabilities of class 1.
    """
    return tuple(
        Column(
            name=column.name,
            rows=column.rows,
            missing=column.missing,
            mean=column.mean,
            length=column.length,
            shares=column_measures.shares(columns[column.name], binary=binary),
        )
        for column in described(columns)
    )


def _feature(
    outcome: FeatureResult, references: Mapping[str, Distribution], columns: Columns
) -> Feature:
    name = outcome.feature.removesuffix(MISSING)
    reference, values = references.get(name), columns.get(name)
    compared = outcome.feature == name and reference is not None and values is not None
    return Feature(
        feature=outcome.feature,
        statistic=_finite(outcome.statistic),
        p_value=_finite(outcome.p_value),
        threshold=_finite(outcome.threshold),
        effect=_within_floats(outcome.effect),
        drifted=outcome.drifted,
        enough=outcome.enough,
        reference=reference.column(name) if reference else None,
        window=None if values is None else column_measures.column(name, values),
        bars=bars(name, reference, values)
        if compared and reference and values is not None
        else None,
    )


def _within_floats(effect: Effect) -> Effect:
    """Return an effect without infinities, which JSON lacks: the largest number stands for them."""
    largest = sys.float_info.max
    value, low, high = (
        float(max(-largest, min(end, largest))) for end in (effect.value, effect.low, effect.high)
    )
    return replace(effect, value=value, low=low, high=high, least=float(effect.least))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
