"""Domain classifier: can a model tell the window's rows from the reference's?

Half of the rows of each side train gradient boosted trees, which take numbers, categories and
missing values as they are and see what features do together. The other half are scored, and the
Mann-Whitney test asks whether the window's rows score higher. Its effect is Somers' D, twice the
area under the ROC curve less one: 0 where nothing tells them apart, 1 where everything does.

Scores of rows that trained nothing make the test exact. Out-of-fold scores of all rows do not: the
folds' models share their rows, and 5 folds alarmed in up to 9 % of windows at a level of 5 %.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift import effect_sizes
from kanaria.serving.drift.detector import Columns, Floats, Result
from kanaria.serving.drift.detector_settings import Checked
from kanaria.serving.drift.references.sample_reference import SampleReference
from kanaria.serving.drift.univariate import feature_tests

FEWEST = 4
"""Rows that each side needs: two to train with and two to score."""
MOST_CATEGORIES = 200
"""Of a feature, that trees tell apart; the rarer ones count as one."""
LARGEST = 1e300
"""Value that trees take; the infinite is taken for it."""
FEWEST_ROWS = 10
"""That a setting may keep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainClassifier(Checked):
    """Tests all features together.

    Attributes:
        alpha: chance of a false alarm per window, above 0 and below 1.
        least: smallest separation (Somers' D) that matters, from 0 to 1.
        rows: of the reference, and of a window, that are looked at; a uniform sample of them.
        categorical: features of numbers that are categories; text and booleans always are.
    """

    alpha: float = 0.05
    least: float = 0.1
    rows: int = 10_000
    categorical: tuple[str, ...] = ()

    def _check(self, faults: Faults) -> None:
        faults.check(0 < self.alpha < 1, "alpha", self.alpha, "use above 0 and below 1")
        faults.check(0 <= self.least <= 1, "least", self.least, "use 0 to 1")
        faults.check(self.rows >= FEWEST_ROWS, "rows", self.rows, f"use {FEWEST_ROWS} or more")

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "domain_classifier"

    def fit(self, rows: Columns) -> SampleReference:
        """Return the reference of `rows`."""
        return SampleReference.of(rows, self.categorical, self.rows)

    def test(self, reference: SampleReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        own = reference.like(window)
        test = _test(reference, own, self.least)
        settings = feature_tests.Settings(alpha=self.alpha, least=self.least)
        return feature_tests.result(self.name, settings, [test], (reference.rows, own.rows))


def _test(
    reference: SampleReference, window: SampleReference, least: float
) -> feature_tests.FeatureTest:
    sizes = (len(reference.places), len(window.places))
    if min(sizes) < FEWEST:
        return feature_tests.untested("", sizes, "separation", least)
    rows, categorical = _matrix(reference.columns, window.columns)
    is_window = np.repeat([False, True], sizes)
    # Rows lie in the order of their hashes, so every second one is a random half of each side.
    training = np.concatenate([np.arange(size) % 2 == 0 for size in sizes])
    # What has no value in training teaches nothing, and the trees refuse it.
    taught = ~np.isnan(rows[training]).all(axis=0)
    if not taught.any():
        return feature_tests.untested("", sizes, "separation", least)
    rows, categorical = rows[:, taught], categorical[taught]
    scores = _scores(rows[training], is_window[training], rows[~training], categorical)
    held_out = is_window[~training]
    return _separation(scores[~held_out], scores[held_out], least)


def _scores(
    rows: Floats, is_window: NDArray[np.bool_], others: Floats, categorical: NDArray[np.bool_]
) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_iter=30,
        max_leaf_nodes=8,
        min_samples_leaf=5,
        early_stopping=False,
        class_weight="balanced",
        categorical_features=categorical,
        random_state=0,
    )
    # Its threads wait for each other in a loop: where cores are shared, two are 20 times slower.
    with threadpool_limits(limits=1, user_api="openmp"):
        scores: Floats = model.fit(rows, is_window).decision_function(others)
    return scores


def _separation(reference: Floats, window: Floats, least: float) -> feature_tests.FeatureTest:
    from scipy.special import ndtr
    from scipy.stats import mannwhitneyu

    rows = (len(reference), len(window))
    # All scores are equal where the trees found nothing to split.
    told_apart = np.ptp(np.concatenate([reference, window])) > 0
    ranking = mannwhitneyu(window, reference, alternative="greater") if told_apart else None
    value = 2 * float(ranking.statistic) / (rows[0] * rows[1]) - 1 if ranking else 0.0
    deviation = np.sqrt((rows[0] + rows[1] + 1) / (3 * rows[0] * rows[1]))
    return feature_tests.FeatureTest(
        feature="",
        statistic=value,
        p_value=float(ranking.pvalue) if ranking else 1.0,
        effect=effect_sizes.separation(value, *rows, least),
        rows=rows,
        significant_least=float(ndtr(-least / deviation)),
    )


def _matrix(reference: Columns, window: Columns) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the rows of both, one after the other, and which columns are categories."""
    both = [np.concatenate([reference[name], window[name]]) for name in reference]
    kinds = np.array([column.dtype.kind != "f" for column in both])
    coded = [_codes(column) if kind else column for column, kind in zip(both, kinds, strict=True)]
    # Trees look at the order of values, where infinity is a number like others.
    return np.clip(np.stack(coded, axis=1), -LARGEST, LARGEST), kinds


def _codes(column: NDArray[Any]) -> Floats:
    """Return a number for each category, in the order of how often it occurs."""
    _, places, counts = np.unique(column, return_inverse=True, return_counts=True)
    ranks = np.empty(len(counts))
    ranks[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    codes: Floats = np.minimum(ranks, MOST_CATEGORIES)[places]
    return codes
