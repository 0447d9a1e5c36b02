import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from kanaria.serving.drift.report_records import CalibrationBin, Labels
from kanaria.serving.drift_watch.label_window import MOST_ERRORS, judged
from kanaria.serving.drift_watch.watch_file import LabelSettings
from kanaria.serving.model_quality.expected_quality import FEWEST_LABELS, expected
from kanaria.serving.model_quality.quality_estimates import Task, area_under_curve, calibration
from kanaria.serving.payload_log.exchanges import Exchange, KeptLabel


def bins(predicted, labels):
    return [
        CalibrationBin(rows=one.rows, predicted=one.predicted, observed=one.observed.value)
        for one in calibration(predicted, labels)
    ]


def drawn(draw, count, power=1.0, shape=(2.0, 2.0)):
    """Probabilities as a model says them, and labels; `power` is how wrong it is."""
    true = draw.beta(*shape, count)
    return true**power, (draw.random(count) < true).astype(float)


@pytest.mark.parametrize("power", [1.0, 1.6])
@pytest.mark.parametrize("shape", [(2.0, 2.0), (4.0, 2.0)])
def test_the_band_holds_what_comes_true_also_for_probabilities_that_are_wrong(power, shape):
    draw, trials = np.random.default_rng(3), 60
    held = dict.fromkeys(("accuracy", "auc", "brier"), 0)
    for _ in range(trials):
        calibrating = bins(*drawn(draw, 2000, power))
        predicted, labels = drawn(draw, 500, power, shape)
        metrics = expected(Task.BINARY, predicted, calibrating)
        came = {
            "accuracy": ((predicted >= 0.5) == labels).mean(),
            "auc": area_under_curve(predicted, labels).value,
            "brier": ((predicted - labels) ** 2).mean(),
        }
        for name, value in came.items():
            held[name] += metrics[name].low <= value <= metrics[name].high
    # In bins of a tenth the correction is a little coarse, so the promise is kept to 90 %.
    assert min(held.values()) >= binom.ppf(0.001, trials, 0.9)


def test_expectations_follow_the_inputs_and_cannot_see_concept_drift():
    draw = np.random.default_rng(4)
    calibrating = bins(*drawn(draw, 5000, shape=(0.5, 0.5)))
    sure, labels = drawn(draw, 1000, shape=(0.5, 0.5))
    unsure, _ = drawn(draw, 1000, shape=(20.0, 20.0))
    of_sure, of_unsure = (
        expected(Task.BINARY, predicted, calibrating)["accuracy"] for predicted in (sure, unsure)
    )
    assert of_unsure.high < of_sure.low
    came = ((sure >= 0.5) == 1 - labels).mean()
    assert came < of_sure.low


def test_nothing_is_expected_before_enough_labels_or_without_probabilities():
    predicted = np.linspace(0, 1, 100)
    few = [CalibrationBin(rows=FEWEST_LABELS - 1, predicted=0.5, observed=0.5)]
    assert expected(Task.BINARY, predicted, few) == {}
    enough = [CalibrationBin(rows=FEWEST_LABELS, predicted=0.5, observed=0.5)]
    assert set(expected(Task.BINARY, predicted, enough)) == {"accuracy", "auc", "brier"}
    assert expected(Task.REGRESSION, predicted, enough) == {}
    assert expected(Task.MULTICLASS, np.array(["a"] * 100), enough) == {}
    assert expected(Task.BINARY, np.empty(0), enough) == {}


def test_the_largest_probability_of_several_is_calibrated():
    probabilities = np.full((400, 3), 0.2)
    probabilities[:, 1] = 0.6
    half = [CalibrationBin(rows=1000, predicted=0.6, observed=0.5)]
    metrics = expected(Task.MULTICLASS, probabilities, half)
    assert metrics["accuracy"].low < 0.5 < metrics["accuracy"].high < 0.6


def exchanges(predictions, labels):
    """One a row, a second after the other."""
    return [
        Exchange(
            number=place,
            id=str(place),
            component="predictor",
            request_id=str(place),
            time=float(place),
            received=float(place),
            rows=1,
            request=None,
            response=json.dumps({"predictions": [prediction]}).encode(),
            labels={0: KeptLabel(value=label, received=place + 60.0)},
        )
        for place, (prediction, label) in enumerate(zip(predictions, labels, strict=True))
    ]


def earlier(errors):
    return Labels(begin=0.0, end=1.0, rows=1, labelled=1, lag=0.0, task="x", errors=tuple(errors))


def test_errors_are_followed_in_the_order_of_time_whatever_order_they_came_in():
    labels = [1] * 300 + [0] * 300
    shuffled = np.random.default_rng(5).permutation(600)
    sent = exchanges([0.9] * 600, labels)
    judged_labels = judged([sent[place] for place in shuffled], LabelSettings(task=Task.BINARY), ())
    assert (judged_labels.labelled, judged_labels.lag, len(judged_labels.errors)) == (
        600,
        60.0,
        600,
    )
    assert judged_labels.changes
    assert all(300 < when < 450 for when in judged_labels.changes)


def test_a_change_that_an_earlier_window_has_told_is_not_told_again():
    settings = LabelSettings(task=Task.BINARY)
    before = earlier([0.0] * 300 + [1.0] * 300)
    assert judged(exchanges([0.9] * 300, [0] * 300), settings, [before]).changes == ()
    assert judged(exchanges([0.9] * 300, [1] * 300), settings, [before]).changes


def test_errors_of_numbers_are_followed_on_their_own_scale():
    draw = np.random.default_rng(6)
    predictions, settings = draw.normal(1e6, 1e3, 400), LabelSettings(task=Task.REGRESSION)
    calm, moved = (predictions + draw.normal(0, spread, 400) for spread in (100.0, 5000.0))
    first = judged(exchanges(predictions, calm), settings, ())
    assert (first.changes, first.estimated, first.calibration) == ((), (), ())
    assert judged(exchanges(predictions, moved), settings, [first]).changes


def test_many_errors_are_kept_as_means():
    count = 3 * MOST_ERRORS
    labels = judged(
        exchanges([0.9] * count, [1, 1, 0] * MOST_ERRORS), LabelSettings(task="binary"), ()
    )
    assert labels.errors == pytest.approx([1 / 3] * MOST_ERRORS)


def test_a_window_without_labels_or_with_wrong_ones_says_so():
    (alone,) = exchanges([0.5], [1])
    plain = judged([replace(alone, labels={})], LabelSettings(task="binary"), ())
    assert (plain.labelled, plain.coverage, plain.failure) == (0, 0.0, "")
    wrong = judged(exchanges([0.5], ["late"]), LabelSettings(task="binary"), ())
    assert "label 'late'" in wrong.failure


def test_false_alarms_of_steady_errors_are_rare():
    draw, alarms, trials = np.random.default_rng(7), 0, 40
    settings = LabelSettings(task=Task.BINARY)
    for _ in range(trials):
        labels = (draw.random(500) < 0.8).astype(int).tolist()
        alarms += bool(judged(exchanges([0.9] * 500, labels), settings, ()).changes)
    assert alarms <= binom.ppf(0.999, trials, 0.05)
