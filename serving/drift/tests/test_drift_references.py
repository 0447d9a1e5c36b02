"""References: mergeable, independent of order, and the same after saving and loading."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.multivariate.domain_classifier import DomainClassifier
from kanaria.serving.drift.multivariate.least_squares_density_difference import (
    LeastSquaresDensityDifference,
)
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy_fourier import (
    FourierMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.cramer_von_mises import CramerVonMises
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.jensen_shannon import JensenShannon
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.drift.univariate.missing_values import MissingValues
from kanaria.serving.drift.univariate.population_stability import PopulationStability
from kanaria.serving.drift.univariate.wasserstein import Wasserstein

DETECTORS = [
    KolmogorovSmirnov(alternative="less"),
    CramerVonMises(),
    ChiSquared(alpha=0.01),
    FisherExact(correction="fdr"),
    JensenShannon(),
    PopulationStability(alpha=0.1),
    PopulationStability(categorical=("a",)),
    MissingValues(),
    Wasserstein(),
    MaximumMeanDiscrepancy(sigma=(1.0, 2.0)),
    FourierMaximumMeanDiscrepancy(seed=7, scaled=False),
    LeastSquaresDensityDifference(centres=3, permutations=50),
    Table(categorical=("b",), least=0.2),
    DomainClassifier(categorical=("a",), rows=100),
]
every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)


@st.composite
def tables(draw):
    count = draw(st.integers(3, 30))
    bits = st.sampled_from([0.0, 1.0, float("nan")])
    return {
        name: np.array(draw(st.lists(bits, min_size=count, max_size=count))) for name in ("a", "b")
    }


def equal(first, second):
    first, second = first.arrays(), second.arrays()
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


@every_detector
@given(first=tables(), second=tables())
def test_a_merged_reference_is_the_reference_of_the_whole(detector, first, second):
    whole = {name: np.concatenate([first[name], second[name]]) for name in first}
    equal(detector.fit(first).merged(detector.fit(second)), detector.fit(whole))


@every_detector
@given(rows=tables(), window=tables(), seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(detector, rows, window, seed):
    def shuffled(table):
        order = np.random.default_rng(seed).permutation(len(table["a"]))
        return {name: column[order] for name, column in table.items()}

    reference, again = detector.fit(rows), detector.fit(shuffled(rows))
    equal(reference, again)
    # As text, since a statistic without rows is not a number and unequal to itself.
    assert str(detector.test(reference, window)) == str(detector.test(again, shuffled(window)))


@every_detector
def test_a_saved_detector_gives_the_same_results(detector, tmp_path: Path):
    generator = np.random.default_rng(1)
    rows = {name: generator.integers(0, 2, 200) for name in ("a", "b")}
    window = {name: generator.integers(0, 2, 100) for name in ("a", "b")}
    reference = detector.fit(rows)
    saved_detector.save(tmp_path / "detector", detector, reference)
    loaded, held = saved_detector.load(tmp_path / "detector")
    assert loaded == detector
    equal(held, reference)
    assert loaded.test(held, window) == detector.test(reference, window)


def test_a_reference_lies_in_a_plain_zip_of_its_arrays_alone(tmp_path: Path):
    reference = KolmogorovSmirnov().fit({"x": np.arange(3.0)})
    saved_detector.save(tmp_path / "detector", KolmogorovSmirnov(), reference)
    entries = zipfile.ZipFile(tmp_path / "detector/reference.npz").infolist()
    assert [entry.filename for entry in entries] == [f"{name}.npy" for name in reference.arrays()]
    # Larger headers, which Python's releases write in different ways, have a later version.
    assert {entry.extract_version for entry in entries} == {20}


def test_text_survives_saving_without_pickle(tmp_path: Path):
    detector = ChiSquared()
    reference = detector.fit({"carrier": np.array(["UA", None, "Lübeck Air"], dtype=object)})
    saved_detector.save(tmp_path / "detector", detector, reference)
    _, held = saved_detector.load(tmp_path / "detector")
    assert held.arrays()["kinds_0"].tolist() == ["Lübeck Air", "UA"]


def test_a_saved_detector_is_never_overwritten(tmp_path: Path):
    detector = ChiSquared()
    reference = detector.fit({"x": np.arange(3)})
    saved_detector.save(tmp_path / "detector", detector, reference)
    with pytest.raises(ParameterError, match="exists"):
        saved_detector.save(tmp_path / "detector", detector, reference)
    assert [path.name for path in tmp_path.iterdir()] == ["detector"]


@pytest.mark.parametrize("damage", ["detector.json", "reference.npz"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str):
    detector = ChiSquared()
    saved_detector.save(tmp_path / "detector", detector, detector.fit({"x": np.arange(3)}))
    (tmp_path / "detector" / damage).write_bytes(b"{}")
    with pytest.raises(DataError, match="no saved detector"):
        saved_detector.load(tmp_path / "detector")


def test_references_of_different_features_do_not_merge():
    fit = KolmogorovSmirnov().fit
    with pytest.raises(DataError, match=r"\['b'\]"):
        fit({"a": np.arange(3.0)}).merged(fit({"a": np.arange(3.0), "b": np.arange(3.0)}))


def test_the_package_loads_without_scipy():
    program = (
        "import pkgutil, importlib, sys, kanaria.serving.drift as package\n"
        "for module in pkgutil.iter_modules(package.__path__):\n"
        "    if module.name != 'tests':\n"
        "        importlib.import_module(f'kanaria.serving.drift.{module.name}')\n"
        "heavy = {'scipy', 'sklearn', 'tensorflow'} & set(sys.modules)\n"
        "sys.exit(f'{heavy} loaded' if heavy else 0)\n"
    )
    subprocess.run([sys.executable, "-I", "-c", program], check=True)
