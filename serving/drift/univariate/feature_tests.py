"""From one test a feature to the result of a window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift.detector import Effect, FeatureResult, Result
from kanaria.serving.drift.detector_settings import Checked
from kanaria.serving.drift.univariate.correction import Correction, overall, threshold

Alternative = Literal["two-sided", "less", "greater"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings(Checked):
    """What all detectors with one test a feature can be told.

    Attributes:
        alpha: chance of a false alarm per window, above 0 and below 1.
        correction: for the number of features.
        least: smallest effect that matters, a difference in probability from 0 to 1.
    """

    alpha: float = 0.05
    correction: Correction = "bonferroni"
    least: float = 0.1

    def _check(self, faults: Faults) -> None:
        faults.check(0 < self.alpha < 1, "alpha", self.alpha, "use above 0 and below 1")
        faults.check(0 <= self.least <= 1, "least", self.least, "use 0 to 1")
        is_correction = self.correction in ("bonferroni", "fdr")
        faults.check(is_correction, "correction", self.correction, "use bonferroni or fdr")


@dataclass(frozen=True, kw_only=True, slots=True)
class SidedSettings(Settings):
    """Settings of a test that may look to one side only.

    Attributes:
        alternative: what counts as drift; the detector says what "less" and "greater" mean.
    """

    alternative: Alternative = "two-sided"

    def _check(self, faults: Faults) -> None:
        super(SidedSettings, self)._check(faults)
        is_alternative = self.alternative in ("two-sided", "less", "greater")
        faults.check(
            is_alternative, "alternative", self.alternative, "use two-sided, less or greater"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureTest:
    """What a test found for one feature.

    Attributes:
        feature: its name.
        statistic: of the test; not a number where there were too few rows to test.
        p_value: 1 where there were too few rows to test.
        effect: the size of the difference.
        rows: of reference and window with a value.
        significant_least: p-value of the least effect that matters, were it observed.
    """

    feature: str
    statistic: float
    p_value: float
    effect: Effect
    rows: tuple[int, int]
    significant_least: float


def untested(feature: str, rows: tuple[int, int], measure: str, least: float) -> FeatureTest:
    """Return the test of a feature that has no values in reference or window."""
    return FeatureTest(
        feature=feature,
        statistic=float("nan"),
        p_value=1.0,
        effect=Effect(name=measure, value=0.0, low=0.0, high=1.0, least=least),
        rows=rows,
        significant_least=1.0,
    )


def result(
    detector: str, settings: Settings, tests: Sequence[FeatureTest], rows: tuple[int, int]
) -> Result:
    """Return the result of a window.

    Args:
        detector: its name.
        settings: its level and correction.
        tests: at least one, in the order of the features.
        rows: of reference and window.
    """
    p_values = np.array([test.p_value for test in tests])
    limit = threshold(p_values, settings.alpha, settings.correction)
    features = tuple(_feature(test, limit, settings.alpha / len(tests)) for test in tests)
    return Result(
        detector=detector,
        statistic=tests[int(p_values.argmin())].statistic,
        p_value=overall(p_values, settings.correction),
        threshold=settings.alpha,
        effect=max((test.effect for test in tests), key=lambda effect: effect.value),
        features=features,
        reference_rows=rows[0],
        window_rows=rows[1],
    )


def renamed(result: Result, detector: str) -> Result:
    """Return the result of a detector that is made of another one."""
    return replace(result, detector=detector)


def _feature(test: FeatureTest, limit: float, strictest: float) -> FeatureResult:
    return FeatureResult(
        feature=test.feature,
        statistic=test.statistic,
        p_value=test.p_value,
        threshold=limit,
        effect=test.effect,
        reference_rows=test.rows[0],
        window_rows=test.rows[1],
        enough=test.significant_least < strictest,
    )
