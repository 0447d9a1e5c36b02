"""ROC, confusion matrix and calibration against their definitions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kanaria.components.evaluate import curves
from kanaria.components.evaluate import score_counts as tables

scores = arrays.arrays(np.float64, st.integers(2, 400), elements=st.floats(0, 1, width=32))


def labels_for(prediction: np.ndarray) -> np.ndarray:
    label = (np.arange(len(prediction)) * 7 % 3 == 0).astype(float)
    label[:2] = [0.0, 1.0]
    return label


@given(scores)
def test_a_roc_point_is_what_its_threshold_gives(prediction: np.ndarray):
    label = labels_for(prediction)
    curve = curves.roc(tables.of(label, prediction))
    assert len(curve.threshold) <= curves.MAX_POINTS
    assert np.isfinite(curve.threshold).all()
    points = list(
        zip(curve.threshold, curve.false_positive_rate, curve.true_positive_rate, strict=True)
    )
    for threshold, false, true in points[1:]:
        positive = prediction >= threshold
        assert np.isclose(true, positive[label == 1].mean())
        assert np.isclose(false, positive[label == 0].mean())
    assert points[-1][1:] == (1.0, 1.0)


@given(scores)
def test_calibration_and_matrix_count_every_row_once(prediction: np.ndarray):
    label = labels_for(prediction)
    mean, rate, counts = curves.calibration(tables.of(label, prediction))
    assert (
        counts.sum()
        == np.sum(curves.confusion_matrix(tables.of(label, prediction)))
        == len(prediction)
    )
    assert np.isclose((mean * counts).sum(), prediction.sum())
    assert np.isclose((rate * counts).sum(), label.sum())


def test_only_two_classes_and_probabilities_make_a_binary_classifier():
    assert tables.of(np.array([0.0, 1.0]), np.array([0.2, 0.9])).is_binary()
    assert not tables.of(np.array([0.0, 2.0]), np.array([0.2, 0.9])).is_binary()
    assert not tables.of(np.array([0.0, 1.0]), np.array([0.2, 1.9])).is_binary()
    assert not tables.of(np.array([1.0, 1.0]), np.array([0.2, 0.9])).is_binary()
