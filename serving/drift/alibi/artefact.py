"""Reads artefacts of alibi-detect, `config.toml` and `x_ref.npy`, without installing it.

    alibi-detect     here                  loses on the way here
    --------------   -------------------   ------------------------------------------------
    KSDrift          kolmogorov_smirnov    nothing
    CVMDrift         cramer_von_mises      p-values of equal values, which there say drift always
    ChiSquareDrift   chi_squared           declared categories that never occurred
    TabularDrift     table                 the same
    FETDrift         fisher_exact          nothing
    MMDDrift         maximum_mean_         kernels other than the Gaussian
                       discrepancy
    LSDDDrift        least_squares_        which rows are the centres: they are drawn at random
                       density_difference    in each program

P-values are the same, up to chance where rows are permuted. What counts as drift is stricter here:
the effect must matter too. Models and functions for preprocessing are pickles, which run code when
they are loaded; they are refused.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift import table_columns
from kanaria.serving.drift.alibi import kernel_settings
from kanaria.serving.drift.alibi.kernel_settings import ABSENT
from kanaria.serving.drift.detector import Detector, Reference
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.cramer_von_mises import CramerVonMises
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov

Config = Mapping[str, Any]
NAMES: Mapping[str, type[Any]] = {
    "KSDrift": KolmogorovSmirnov,
    "CVMDrift": CramerVonMises,
    "ChiSquareDrift": ChiSquared,
    "TabularDrift": Table,
    "FETDrift": FisherExact,
    **kernel_settings.NAMES,
}
UNSUPPORTED = ("preprocess_fn", "update_x_ref")


def load(folder: Path, *, least: float | None = None) -> tuple[Detector[Any], Reference]:
    """Return the detector and the reference of the artefact in `folder`.

    Features are named by their position: "0", "1", and so on.

    Args:
        folder: with `config.toml` and `x_ref.npy`, as alibi-detect's `save_detector` writes it.
        least: the smallest effect that matters, which alibi-detect does not know; none: the
            detector's own default.

    Raises:
        DataError: it is no such artefact, or needs what is not done here.
    """
    try:
        config = tomllib.loads((folder / "config.toml").read_text("utf-8"))
        rows = np.load(folder / str(config["x_ref"]), allow_pickle=False)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{folder}: no artefact of alibi-detect: {shown(error)}") from error
    _check(config, folder)
    settings = _settings(config, folder) | ({} if least is None else {"least": least})
    detector = NAMES[config["name"]](**settings)
    return detector, detector.fit(table_columns.from_matrix(rows))


def is_readable(folder: Path) -> bool:
    """Whether `load` knows the kind of detector in `folder`, and all that it needs."""
    try:
        config = tomllib.loads((folder / "config.toml").read_text("utf-8"))
        _check(config, folder)
        _settings(config, folder)
    except (OSError, ValueError, KeyError, DataError):
        return False
    return True


def _check(config: Config, folder: Path) -> None:
    name = config.get("name")
    if name not in NAMES:
        kinds = ", ".join(NAMES)
        raise DataError(
            f"{folder}: detector {shown(name)} cannot be read, only {kinds}; Alibi Detect itself "
            "can: with detector: {kind: alibi, accept_bsl: true} and the extra 'alibi' installed"
        )
    present = [key for key in UNSUPPORTED if config.get(key, ABSENT) != ABSENT]
    if present:
        raise DataError(
            f"{folder}: it has {', '.join(present)}, which are not read; "
            "save the detector on preprocessed rows, without updates of the reference"
        )


def _settings(config: Config, folder: Path) -> dict[str, Any]:
    if config["name"] in kernel_settings.NAMES:
        return kernel_settings.settings(config, folder)
    settings = {"alpha": config.get("p_val", 0.05), "correction": config["correction"]}
    if "alternative" in config:
        settings["alternative"] = config["alternative"]
    kinds = config.get("categories_per_feature", ABSENT)
    if config["name"] == "TabularDrift" and kinds != ABSENT:
        settings["categorical"] = tuple(kinds)
    return settings
