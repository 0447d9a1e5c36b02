"""Black-box shift: did the answers of a classifier change, whatever its inputs are?

The probability of each class is tested as a number (Kolmogorov-Smirnov), and the class with the
largest one as a category (chi-squared), all under one correction. The first sees most kinds of
shift, the second sees best that classes became more or less frequent (Lipton et al. 2018;
Rabanser et al. 2019). Rows without an answer count as missing values.
"""

from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift.detector import Columns, Result
from kanaria.serving.drift.model_outputs.class_probabilities import Probabilities
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate import feature_tests

PREDICTED = "predicted class"
"""The feature that holds the most probable class; its categories are the names of the columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BlackBoxShift(feature_tests.Settings):
    """Tests the answers of a classifier.

    Attributes:
        outputs: columns of probabilities, one a class, or one of several values a row; a single
            one is the probability of a class and its opposite. All columns if none are named.
    """

    outputs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "black_box_shift"

    def fit(self, rows: Columns) -> TableReference:
        """Return the reference of the answers in `rows`."""
        return self._table.fit(_features(rows, self.outputs, "reference"))

    def test(self, reference: TableReference, window: Columns) -> Result:
        """Return how the answers in `window` compare with the reference."""
        features = _features(window, self.outputs, "window")
        return feature_tests.renamed(self._table.test(reference, features), self.name)

    @property
    def _table(self) -> Table:
        return Table(alpha=self.alpha, correction=self.correction, least=self.least)


def _features(columns: Columns, outputs: tuple[str, ...], where: str) -> Columns:
    probabilities = Probabilities.of(columns, outputs, where)
    likeliest = np.array(probabilities.classes, dtype=object)[probabilities.values.argmax(axis=1)]
    likeliest[np.isnan(probabilities.values).any(axis=1)] = None
    return {**probabilities.columns, PREDICTED: likeliest}
