"""TFMA's calibration histograms as arrays, and what is made of them without a loop.

A histogram of 10,000 buckets is what curves, confusion matrices and calibration plots come from,
on each slice. TFMA walks through its buckets one by one, a few times for each metric.
"""

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.private_tfma import (
    binary_confusion_matrices,
    calibration_histogram,
)

Bucket = calibration_histogram.Bucket
_REBIN = calibration_histogram.rebin
_MATRICES = private.histogram_to_matrices


class Histogram(Sequence[Any]):
    """A list of TFMA's Buckets, ascending, whose numbers are also at hand as arrays.

    Attributes:
        numbers: bucket of each, shape (m,).
        sums: weighted labels, predictions and examples of each, shape (m, 3).
    """

    def __init__(self, numbers: NDArray[Any], sums: NDArray[Any]) -> None:
        """Take numbers and sums as they are."""
        self.numbers = numbers
        self.sums = sums

    def __len__(self) -> int:
        """Return m."""
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        """Return a Bucket, or several."""
        if isinstance(place, slice):
            return list(self)[place]
        return Bucket(int(self.numbers[place]), *self.sums[place].tolist())

    def __iter__(self) -> Iterator[Any]:
        """Yield the Buckets."""
        for number, sums in zip(self.numbers.tolist(), self.sums.tolist(), strict=True):
            yield Bucket(number, *sums)

    def to_dict(self) -> dict[int, Any]:
        """Return the accumulator of TFMA's combiner: bucket number -> Bucket."""
        return {bucket.bucket_id: bucket for bucket in self}


def rebin(
    thresholds: list[float],
    histogram: Any,
    num_buckets: int = calibration_histogram.DEFAULT_NUM_BUCKETS,
    left: float = 0.0,
    right: float = 1.0,
) -> Any:
    """Do what TFMA's `rebin` does, with arrays where the histogram has them."""
    if not isinstance(histogram, Histogram):
        return _REBIN(thresholds, histogram, num_buckets, left, right)
    edges = np.array(thresholds)
    numbers = histogram.numbers
    low = (numbers - 1) / num_buckets * (right - left) + left
    low = np.where(numbers == 0, -np.inf, np.where(numbers >= num_buckets + 1, np.inf, low))
    # All below the first edge go into the first bin.
    bins = np.maximum(np.searchsorted(edges, low, side="right") - 1, 0)
    sums = [np.bincount(bins, weights=each, minlength=len(edges)) for each in histogram.sums.T]
    return Histogram(np.arange(len(edges)), np.stack(sums, axis=1))


def matrices(thresholds: list[float], histogram: Any) -> Any:
    """Do what TFMA does to make confusion matrices at thresholds of a histogram."""
    if not isinstance(histogram, Histogram):
        return _MATRICES(thresholds, histogram)
    positive = histogram.sums[:, 0]
    negative = histogram.sums[:, 2] - positive
    offset = int((thresholds[0] >= 0 or len(thresholds) == 1) and len(histogram) > 1)
    places = slice(offset, offset + len(thresholds))
    tp, fp = (np.cumsum(each[::-1])[::-1][places] for each in (positive, negative))
    fn, tn = (
        np.concatenate([[0.0], np.cumsum(each)[:-1]])[places] for each in (positive, negative)
    )
    beyond = np.array(thresholds)[: len(tp)] >= 1.0 + private.MATRICES_EPSILON
    tp, fp, fn, tn = (np.array(each) for each in (tp, fp, fn, tn))
    tp[beyond] = fp[beyond] = 0.0
    fn[beyond], tn[beyond] = tp[0], fp[0]
    lists = [each.tolist() for each in (tp, tn, fp, fn)]
    return binary_confusion_matrices.Matrices(thresholds, *lists)


def install() -> None:
    """Let TFMA make confusion matrices and plots of arrays; of its own lists it does as before."""
    private.replace_histogram_functions(rebin, matrices)
