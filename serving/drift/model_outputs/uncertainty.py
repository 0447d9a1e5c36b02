"""Uncertainty: is a classifier less sure of its answers, or surer, than it was?

Kolmogorov-Smirnov on one number a row, from 0 where the answer is certain to 1 where every class
is as likely. Of all shifts it sees those that are likely to hurt (Sethi and Kantardzic 2017); it
is blind to a model that becomes wrong and stays sure.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift.detector import Columns, Floats, Result
from kanaria.serving.drift.model_outputs.class_probabilities import Probabilities
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate import feature_tests

Measure = Literal["entropy", "margin"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncertainty(feature_tests.SidedSettings):
    """Tests how sure a classifier is; with the alternative "greater" only less sure is drift.

    Attributes:
        outputs: columns of probabilities, one a class, or one of several values a row; a single
            one is the probability of a class and its opposite. All columns if none are named.
        measure: "entropy", as a share of the largest possible; "margin", 1 less the difference
            of the two largest probabilities.
    """

    outputs: tuple[str, ...] = ()
    measure: Measure = "entropy"

    def _check(self, faults: Faults) -> None:
        super(Uncertainty, self)._check(faults)
        is_measure = self.measure in MEASURES
        faults.check(is_measure, "measure", self.measure, f"use {' or '.join(MEASURES)}")

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "uncertainty"

    def fit(self, rows: Columns) -> TableReference:
        """Return the reference of the answers in `rows`."""
        return self._table.fit(self._feature(rows, "reference"))

    def test(self, reference: TableReference, window: Columns) -> Result:
        """Return how the answers in `window` compare with the reference."""
        result = self._table.test(reference, self._feature(window, "window"))
        return feature_tests.renamed(result, self.name)

    @property
    def _table(self) -> Table:
        return Table(
            alpha=self.alpha,
            correction=self.correction,
            least=self.least,
            alternative=self.alternative,
        )

    def _feature(self, columns: Columns, where: str) -> Columns:
        probabilities = Probabilities.of(columns, self.outputs, where)
        return {self.measure: MEASURES[self.measure](probabilities.values)}


def entropy(probabilities: Floats) -> Floats:
    """Return the entropy of each row (rows, classes) as a share of the largest possible."""
    from scipy.special import entr

    # Where there is rounding below zero, the entropy would be minus infinity.
    held: Floats = entr(np.maximum(probabilities, 0.0)).sum(axis=1)
    return held / np.log(probabilities.shape[1])


def margin(probabilities: Floats) -> Floats:
    """Return 1 less the difference of the two largest probabilities of each row."""
    ordered = np.sort(probabilities, axis=1)
    return 1 - (ordered[:, -1] - ordered[:, -2])


MEASURES = {"entropy": entropy, "margin": margin}
