"""Side by side with the real alibi-detect; these tests run in its own environment.

Every case is an artefact that alibi-detect saved: read here, it gives alibi-detect's p-values.
"""

import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from alibi_detect.cd import ChiSquareDrift, CVMDrift, FETDrift, KSDrift, TabularDrift
from alibi_detect.saving import save_detector

from kanaria.serving.drift.alibi import artefact
from kanaria.serving.drift.table_columns import from_matrix

SIDES = ("two-sided", "less", "greater")
SIZES = ((15, 20), (200, 50), (1000, 300))
SHIFTS = (0.0, 0.4)


def normal(generator, rows, shift):
    values = generator.normal(shift, size=(rows, 4))
    values[:, 3] = np.round(values[:, 3])  # Ties.
    return values.astype("float32")


def doubles(generator, rows, shift):
    # With 32 bits scipy rounds this test's p-values in the fifth digit, and with ties it finds
    # drift everywhere; here rows are widened and ties are ranked in turns.
    return generator.normal(shift, size=(rows, 4))


def kinds(generator, rows, shift):
    # The last category never occurs in a small reference, and two kinds ask for Yates.
    shares = generator.choice(5, (rows, 3), p=[0.3 + shift / 4, 0.3 - shift / 4, 0.2, 0.19, 0.01])
    shares[:, 2] = shares[:, 2] > 1
    return shares


def bits(generator, rows, shift):
    return generator.binomial(1, 0.3 + shift / 4, (rows, 3))


def mixed(generator, rows, shift):
    return np.concatenate(
        [normal(generator, rows, shift), kinds(generator, rows, shift)], axis=1
    ).astype("float64")


def detectors():
    """Yield a name, how to draw rows, and what makes alibi-detect's detector of them."""
    kinds_of = {4: None, 5: None, 6: None}
    for side, correction in zip(SIDES, ("bonferroni", "fdr", "fdr"), strict=True):
        settings = {"alternative": side, "correction": correction}
        yield f"KS-{side}", normal, partial(KSDrift, **settings)
        yield f"FET-{side}", bits, partial(FETDrift, **settings)
        tabular = partial(TabularDrift, categories_per_feature=kinds_of, **settings)
        yield f"Tabular-{side}", mixed, tabular
    yield "CVM", doubles, partial(CVMDrift, p_val=0.01)
    yield "ChiSquare", kinds, partial(ChiSquareDrift, correction="fdr")
    yield "Tabular-numbers", normal, TabularDrift


CASES = [
    pytest.param(draw, make, sizes, shift, id=f"{name}-{sizes[0]}-{sizes[1]}-{shift}")
    for (name, draw, make), sizes, shift in itertools.product(detectors(), SIZES, SHIFTS)
]


def test_there_are_at_least_fifty_artefacts():
    assert len(CASES) >= 50


@pytest.mark.parametrize(("draw", "make", "sizes", "shift"), CASES)
def test_an_artefact_gives_the_same_p_values(draw, make, sizes, shift, tmp_path: Path):
    generator = np.random.default_rng([*sizes, int(10 * shift)])
    theirs = make(draw(generator, sizes[0], 0.0))
    window = draw(generator, sizes[1], shift)
    save_detector(theirs, tmp_path / "saved")
    expected = theirs.predict(window)["data"]

    detector, reference = artefact.load(tmp_path / "saved", least=0)
    result = detector.test(reference, from_matrix(window))
    p_values = np.array([feature.p_value for feature in result.features])
    assert p_values == pytest.approx(expected["p_val"], abs=1e-6)
    statistics = [feature.statistic for feature in result.features]
    assert statistics == pytest.approx(expected["distance"], rel=1e-5, abs=1e-6)
    assert result.drifted == bool(expected["is_drift"])
