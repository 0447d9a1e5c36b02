"""Drift of a classifier's answers: its probabilities, its classes, how sure it is."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.model_outputs.black_box_shift import PREDICTED, BlackBoxShift
from kanaria.serving.drift.model_outputs.uncertainty import Uncertainty, entropy, margin

CLASSES = ("on time", "late", "cancelled")
WINDOWS, ALPHA = 150, 0.05
detectors = pytest.mark.parametrize(
    "kind", [BlackBoxShift, Uncertainty], ids=["black box", "uncertainty"]
)


def answers(generator, rows, weights=(4, 3, 2)):
    return generator.dirichlet(weights, rows)


def columns(matrix):
    return dict(zip(CLASSES, matrix.T, strict=True))


@detectors
def test_the_server_may_have_one_column_of_vectors_or_one_column_a_class(kind):
    generator = np.random.default_rng(1)
    old, new = answers(generator, 500), answers(generator, 300, (1, 1, 4))
    vectors = kind(outputs=("probabilities",))
    rows, window = ({"probabilities": m, "id": np.arange(len(m))} for m in (old, new))
    one = vectors.test(vectors.fit(rows), window)
    several = kind().test(kind().fit(columns(old)), columns(new))
    assert one.verdict is several.verdict is Verdict.DRIFTED
    assert [f.p_value for f in one.features] == [f.p_value for f in several.features]


def test_classes_that_become_rarer_show_in_the_predicted_class():
    # Each answer is as sure as before, only their shares changed: black-box shift by argmax.
    generator = np.random.default_rng(2)

    def sure(rows, shares):
        return np.eye(3)[generator.choice(3, rows, p=shares)] * 0.7 + 0.1

    old, new = sure(1000, [0.5, 0.3, 0.2]), sure(500, [0.2, 0.3, 0.5])
    result = BlackBoxShift().test(BlackBoxShift().fit(columns(old)), columns(new))
    assert [f.feature for f in result.features] == [*CLASSES, PREDICTED]
    assert next(f for f in result.features if f.feature == PREDICTED).drifted
    assert result.detector == "black_box_shift"
    assert not Uncertainty().test(Uncertainty().fit(columns(old)), columns(new)).drifted


def test_a_model_that_becomes_unsure_is_seen_and_one_that_becomes_surer_only_if_asked():
    generator = np.random.default_rng(3)
    old, unsure = answers(generator, 800, (6, 1, 1)), answers(generator, 400, (6, 6, 6))
    only_less_sure = Uncertainty(alternative="greater", measure="margin")
    assert only_less_sure.test(only_less_sure.fit(columns(old)), columns(unsure)).drifted
    assert not only_less_sure.test(only_less_sure.fit(columns(unsure)), columns(old)).drifted
    assert Uncertainty().test(Uncertainty().fit(columns(unsure)), columns(old)).drifted


@detectors
def test_one_probability_is_that_of_a_class_and_its_opposite(kind):
    generator = np.random.default_rng(4)
    old, new = {"late": generator.beta(1, 4, 900)}, {"late": generator.beta(4, 4, (300, 1))}
    result = kind().test(kind().fit(old), new)
    assert result.verdict is Verdict.DRIFTED


def test_rows_without_an_answer_are_named_as_missing():
    generator = np.random.default_rng(5)
    failed = answers(generator, 400)
    failed[:150] = np.nan
    result = BlackBoxShift().test(
        BlackBoxShift().fit(columns(answers(generator, 900))), columns(failed)
    )
    drifted = [f.feature for f in result.features if f.drifted]
    assert drifted == [f"{name} (missing)" for name in (*CLASSES, PREDICTED)]


def test_measures_go_from_certain_to_undecided():
    rows = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]])
    assert entropy(rows) == pytest.approx([0, np.log(2) / np.log(3), 1])
    assert margin(rows) == pytest.approx([0, 1, 1])


@detectors
def test_false_alarms_are_as_promised(kind):
    generator = np.random.default_rng(6)
    detector = kind(alpha=ALPHA, least=0)
    alarms = 0
    for _ in range(WINDOWS):
        reference = detector.fit(columns(answers(generator, 300)))
        alarms += detector.test(reference, columns(answers(generator, 150))).drifted
    assert alarms <= stats.binom.ppf(0.999, WINDOWS, ALPHA)


@detectors
def test_what_is_no_probability_is_refused_with_a_remedy(kind):
    with pytest.raises(DataError, match=r"reference: 2 rows .* follows the softmax"):
        kind().fit(columns(np.array([[0.2, 0.3, 0.5], [2.0, -3, 1], [0.9, 0.9, 0.9]])))
    with pytest.raises(DataError, match="probabilities"):
        kind(outputs=("probabilities",)).fit({"score": np.ones(3)})


def test_an_unknown_measure_is_refused():
    with pytest.raises(ParameterError, match="use entropy or margin"):
        Uncertainty(measure="variance")


@detectors
def test_saved_and_loaded_it_says_the_same(kind, tmp_path: Path):
    generator = np.random.default_rng(7)
    detector = kind(outputs=("p",))
    reference = detector.fit({"p": answers(generator, 200)})
    window = {"p": answers(generator, 100)}
    saved_detector.save(tmp_path / "detector", detector, reference)
    loaded, held = saved_detector.load(tmp_path / "detector")
    assert loaded.test(held, window) == detector.test(reference, window)
