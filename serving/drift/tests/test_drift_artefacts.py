"""Reading artefacts of alibi-detect where it is not installed; `tests/alibi` compares with it."""

from pathlib import Path

import numpy as np
import pytest

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.alibi import artefact
from kanaria.serving.drift.multivariate.least_squares_density_difference import (
    LeastSquaresDensityDifference,
)
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov

CONFIG = """\
name = "KSDrift"
x_ref = "x_ref.npy"
preprocess_fn = "None"
update_x_ref = "None"
p_val = 0.1
correction = "fdr"
alternative = "less"
"""


def write_artefact(folder: Path, config: str = CONFIG) -> Path:
    folder.mkdir()
    (folder / "config.toml").write_text(config)
    np.save(folder / "x_ref.npy", np.random.default_rng(1).normal(size=(50, 2)))
    return folder


def test_settings_and_rows_are_read(tmp_path: Path):
    detector, reference = artefact.load(write_artefact(tmp_path / "ks"), least=0.2)
    assert detector == KolmogorovSmirnov(alpha=0.1, correction="fdr", alternative="less", least=0.2)
    assert reference.rows == 50 and list(reference.values) == ["0", "1"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"KSDrift"', '"LearnedKernelDrift"', "'LearnedKernelDrift' cannot be read"),
        ('preprocess_fn = "None"', 'preprocess_fn = "model.dill"', "it has preprocess_fn"),
        ('"x_ref.npy"', '"absent.npy"', "no artefact"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, old, new, message):
    with pytest.raises(DataError, match=message):
        artefact.load(write_artefact(tmp_path / "ks", CONFIG.replace(old, new)))


def test_a_pickle_is_not_opened(tmp_path: Path):
    folder = write_artefact(tmp_path / "ks")
    np.save(folder / "x_ref.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(DataError, match="no artefact"):
        artefact.load(folder)


KERNEL_CONFIG = """\
name = "MMDDrift"
x_ref = "x_ref.npy"
preprocess_fn = "None"
backend = "pytorch"
p_val = 0.1
kernel = "None"
sigma = [ 0.5, 2.0,]
configure_kernel_from_x_ref = true
n_permutations = 50
"""
LSDD_CONFIG = """\
name = "LSDDDrift"
x_ref = "x_ref.npy"
p_val = 0.01
sigma = "None"
n_permutations = 300
n_kernel_centers = 7
lambda_rd_max = 0.3
"""


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            KERNEL_CONFIG,
            MaximumMeanDiscrepancy(alpha=0.1, sigma=(0.5, 2.0), permutations=50, scaled=False),
        ),
        (
            LSDD_CONFIG,
            LeastSquaresDensityDifference(alpha=0.01, permutations=300, centres=7, most_change=0.3),
        ),
    ],
)
def test_detectors_with_kernels_are_read(tmp_path: Path, config, expected):
    detector, reference = artefact.load(write_artefact(tmp_path / "saved", config))
    assert detector == expected
    assert reference.values.shape == (50, 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kernel = "None"', 'kernel = "kernel.dill"', "a kernel of its own; give sigma"),
        (
            "[ 0.5, 2.0,]\nconfigure_kernel_from_x_ref = true",
            '"None"\nconfigure_kernel_from_x_ref = false',
            "from each window",
        ),
    ],
)
def test_kernels_that_cannot_be_read_are_named(tmp_path: Path, old, new, message):
    assert old in KERNEL_CONFIG
    with pytest.raises(DataError, match=message):
        artefact.load(write_artefact(tmp_path / "mmd", KERNEL_CONFIG.replace(old, new)))
