import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kanaria.serving.model_quality.quality_estimates import (
    Task,
    area_under_curve,
    calibration,
    mean,
    quality,
    share,
)


def test_a_share_has_wilsons_interval():
    estimate = share(7, 50)
    expected = stats.binomtest(7, 50).proportion_ci(method="wilson")
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))


def test_a_mean_has_students_interval():
    values = np.random.default_rng(1).gamma(2, size=30)
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert (mean(values).low, mean(values).high) == pytest.approx((expected.low, expected.high))


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans()), max_size=40).map(
        lambda rows: (np.array([r[0] for r in rows]), np.array([int(r[1]) for r in rows]))
    )
)
def test_the_area_is_the_share_of_pairs_in_order_and_lies_in_its_band(rows):
    scores, labels = rows
    estimate = area_under_curve(scores, labels)
    above, below = scores[labels == 1], scores[labels == 0]
    if min(len(above), len(below)) < 2:
        assert estimate is None
        return
    pairs = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    assert estimate.value == pytest.approx(pairs.mean())
    assert 0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1


@pytest.mark.parametrize(("metric", "truth"), [("auc", 0.760250), ("accuracy", 0.691462)])
def test_bands_hold_the_truth_in_about_95_of_100_samples(metric, truth):
    # Scores N(+-1/2, 1) of both labels: the area is Phi(1 / sqrt 2), the accuracy Phi(1 / 2).
    draw, held = np.random.default_rng(2), 0
    for _ in range(1000):
        labels = draw.integers(0, 2, 200)
        scores = draw.normal(labels - 0.5)
        estimate = quality(Task.BINARY, 1 / (1 + np.exp(-scores)), labels)[metric]
        held += estimate.low <= truth <= estimate.high
    assert 930 <= held <= 970


def test_regression_tells_size_and_direction_of_the_error():
    metrics = quality(Task.REGRESSION, np.array([1.0, 2.0, 6.0]), np.array([0.0, 2.0, 4.0]))
    values = {name: estimate.value for name, estimate in metrics.items()}
    assert values == pytest.approx(
        {"mean_absolute_error": 1, "mean_squared_error": 5 / 3, "bias": 1}
    )


def test_classes_are_judged_by_probabilities_or_by_name():
    metrics = quality(
        Task.MULTICLASS, np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]]), np.array([0, 1])
    )
    assert metrics["accuracy"].value == 0.5
    assert metrics["brier"].value == pytest.approx((0.375 + 2) / 2)
    names = np.array(["a", "b", "a"], dtype=object)
    assert quality(Task.MULTICLASS, names, np.array(["a", "b", "b"], dtype=object))[
        "accuracy"
    ].value == pytest.approx(2 / 3)


def test_calibration_shows_where_probabilities_are_wrong():
    predicted, labels = (
        np.array([0.05] * 20 + [0.95] * 20 + [1.0]),
        np.array([0] * 20 + [0, 1] * 10 + [1]),
    )
    low, high = calibration(predicted, labels)
    assert (low.rows, low.predicted, low.observed.value) == (20, pytest.approx(0.05), 0)
    assert (high.rows, high.observed.value) == (21, pytest.approx(11 / 21))
    assert high.observed.high < high.predicted
