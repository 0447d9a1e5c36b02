"""What TFMA's plots hold of all rows, as plain numbers: confusion matrices and residuals. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """A confusion matrix of several classes; pairs of classes without rows are left out.

    Attributes:
        actual: number of the class that a label is.
        predicted: number of the class that was predicted; -1 where none reached the threshold.
        rows: how many rows, weighted, have that pair.
    """

    actual: list[int]
    predicted: list[int]
    rows: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Buckets:
    """Rows by their prediction, in buckets that have some.

    Attributes:
        mean_prediction: of each bucket, ascending.
        mean_label: of each bucket.
        rows: how many rows, weighted, it has.
    """

    mean_prediction: list[float]
    mean_label: list[float]
    rows: list[float]


def matrix(data: Any) -> Matrix | None:
    """Return the confusion matrix of a `PlotData` at its first threshold, None without one."""
    matrices = data.multi_class_confusion_matrix_at_thresholds.matrices
    if not matrices:
        return None
    entries = [entry for entry in matrices[0].entries if entry.num_weighted_examples]
    return Matrix(
        actual=[entry.actual_class_id for entry in entries],
        predicted=[entry.predicted_class_id for entry in entries],
        rows=[entry.num_weighted_examples for entry in entries],
    )


MOST_BUCKETS = 50


def buckets(data: Any) -> Buckets | None:
    """Return at most 50 buckets of the calibration of a `PlotData`, None without one.

    TFMA's are as wide as each other, and thousands. Neighbours are added up until they hold a
    fiftieth of the rows.
    """
    histogram = data.calibration_histogram_buckets.buckets
    sums = [
        (
            each.total_weighted_refined_prediction.value,
            each.total_weighted_label.value,
            each.num_weighted_examples.value,
        )
        for each in histogram
        if each.num_weighted_examples.value
    ]
    if not sums:
        return None
    parts = list(_together(sums, sum(rows for _, _, rows in sums) / MOST_BUCKETS))
    return Buckets(
        mean_prediction=[prediction / rows for prediction, _, rows in parts],
        mean_label=[label / rows for _, label, rows in parts],
        rows=[rows for _, _, rows in parts],
    )


Sums = tuple[float, float, float]


def _together(sums: Iterable[Sums], least: float) -> Iterable[Sums]:
    """Yield sums of neighbours with at least so many rows; the last may have fewer."""
    prediction = label = rows = 0.0
    for each in sums:
        prediction, label, rows = prediction + each[0], label + each[1], rows + each[2]
        if rows >= least:
            yield prediction, label, rows
            prediction = label = rows = 0.0
    if rows:
        yield prediction, label, rows
