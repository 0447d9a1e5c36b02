"""Reads and writes artefacts of alibi-detect, `config.toml` and `x_ref.npy`, without installing it.

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

import json
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.serving.drift import columns
from kanaria.serving.drift.alibi import kernel_settings
from kanaria.serving.drift.alibi.kernel_settings import ABSENT
from kanaria.serving.drift.protocol import Detector, Reference
from kanaria.serving.drift.references.counts_reference import CountedReference
from kanaria.serving.drift.references.rows_reference import RowsReference
from kanaria.serving.drift.references.sorted_reference import OrderedReference
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.table import Table
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
VERSION = "0.13.0"
"""The version of alibi-detect whose format `export` writes."""


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
    return detector, detector.fit(columns.from_matrix(rows))


def is_readable(folder: Path) -> bool:
    """Whether `load` knows the kind of detector in `folder`, and all that it needs."""
    try:
        config = tomllib.loads((folder / "config.toml").read_text("utf-8"))
        _check(config, folder)
        _settings(config, folder)
    except (OSError, ValueError, KeyError, DataError):
        return False
    return True


def export(folder: Path, detector: Detector[Any], reference: Reference) -> None:
    """Write `detector` and `reference` into the new folder `folder` for alibi-detect's loader.

    Where tests look at one feature at a time, each feature's values are written in ascending order.

    Raises:
        ParameterError: the folder exists.
        DataError: there are missing values or text, which alibi-detect's tests do not take, or
            the detector has no form there.
    """
    if folder.exists():
        raise ParameterError(f"{folder}: it exists; name a new folder for the artefact")
    rows, text = _matrix(reference), _toml(detector, reference)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        whole = Path(made) / "whole"
        whole.mkdir()
        np.save(whole / "x_ref.npy", rows, allow_pickle=False)
        (whole / "config.toml").write_text(text, "utf-8")
        whole.rename(folder)


def _check(config: Config, folder: Path) -> None:
    name = config.get("name")
    if name not in NAMES:
        known = ", ".join(NAMES)
        raise DataError(
            f"{folder}: detector {shown(name)} cannot be read, only {known}; Alibi Detect itself "
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


def _matrix(reference: Reference) -> NDArray[Any]:
    held = _values(reference)
    rows = {name: len(values) for name, values in held.items()}
    if len(set(rows.values())) > 1 or next(iter(rows.values())) < _rows(reference):
        raise DataError(f"reference: values are missing, {shown(rows)} are there; fill them")
    text = [name for name, values in held.items() if values.dtype.kind == "U"]
    if text:
        raise DataError(f"reference: features {shown(text)} hold text; encode them as numbers")
    # The detectors with kernels compute in 32 bits and take no others.
    single = isinstance(reference, RowsReference)
    return np.stack(list(held.values()), axis=1).astype(np.float32 if single else None, copy=False)


def _values(reference: Reference) -> dict[str, NDArray[Any]]:
    if isinstance(reference, OrderedReference):
        return dict(reference.values)
    if isinstance(reference, RowsReference):
        return dict(zip(reference.features, reference.values.T, strict=True))
    if isinstance(reference, CountedReference):
        return {
            name: np.repeat(_codes(kinds), reference.counts[name])
            for name, kinds in reference.kinds.items()
        }
    if isinstance(reference, TableReference):
        held = _values(reference.numbers) | _values(reference.categories)
        return {name: held[name] for name in reference.features}
    raise DataError(f"reference: {type(reference).__name__} has no form in alibi-detect")


def _codes(kinds: NDArray[Any]) -> NDArray[Any]:
    """Return categories as the numbers that they are the texts of, or as they are."""
    try:
        return kinds.astype(np.float64)
    except ValueError:
        return kinds


def _rows(reference: Reference) -> int:
    if isinstance(reference, TableReference):
        return reference.numbers.rows
    return int(reference.arrays()["rows"])


def _toml(detector: Any, reference: Reference) -> str:
    names = [name for name, kind in NAMES.items() if kind is type(detector)]
    if not names:
        raise DataError(f"detector {detector.name!r} has no form in alibi-detect")
    fields = {"name": names[0], "x_ref": "x_ref.npy"} | _fields(detector)
    # For strings, numbers, booleans and lists TOML and JSON agree.
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items())
    if isinstance(reference, TableReference):
        places = [reference.features.index(name) for name in reference.categories.kinds]
        listed = "".join(f'{place} = "{ABSENT}"\n' for place in places)
        text += f"\n[categories_per_feature]\n{listed}" if places else ""
    return text + f'\n[meta]\nversion = "{VERSION}"\nversion_warning = false\n'


def _fields(detector: Any) -> dict[str, Any]:
    if isinstance(detector, kernel_settings.KernelDetector):
        return kernel_settings.fields(detector)
    fields = {"p_val": detector.alpha, "correction": detector.correction}
    return fields | (
        {"alternative": detector.alternative} if hasattr(detector, "alternative") else {}
    )
