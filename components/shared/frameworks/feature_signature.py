"""What the columns of a model's matrix are: a small file beside the model, signature.yaml.

    features: [hour, distance]    names of the columns, in their order
    dtype: float32                type of the values
    probabilities: true           a scikit-learn classifier answers predict_proba, not classes

A server of KServe takes a matrix [rows, features] and knows no names; evaluation and drift go by
names. The file's name ends in no way that a server takes for a model's.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError, shown

FILE = "signature.yaml"
DTYPES = ("float32", "float64")


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureSignature:
    """The columns of a model's matrix.

    Attributes:
        features: their names, in their order; () where nobody named them.
        dtype: of the matrix, one of `DTYPES`.
        probabilities: whether a classifier answers probabilities; None where it is not said, which
            means that it does if it can.
    """

    features: tuple[str, ...] = ()
    dtype: str = "float32"
    probabilities: bool | None = None


def checked(signature: FeatureSignature, where: str) -> FeatureSignature:
    """Return a signature that names each column once, and its type.

    Raises:
        ParameterError: it does not; all faults are named.
    """
    faults = Faults(where)
    names = signature.features
    twice = sorted({name for name in names if names.count(name) > 1})
    faults.check(not twice, "features", twice, "name each column once")
    faults.check(signature.dtype in DTYPES, "dtype", signature.dtype, f"use {', '.join(DTYPES)}")
    faults.raise_if_any()
    return signature


def check_order(own: Sequence[str], features: Sequence[str], where: str) -> None:
    """Raise DataError where a column that the model names bears that name at another place.

    Args:
        own: names that the model was fitted with, () for none.
        features: those that it is saved with, () for none; other names are no fault.
        where: the file, for the message.
    """
    places = {name: place for place, name in enumerate(own)}
    moved = [name for place, name in enumerate(features) if places.get(name, place) != place]
    if moved:
        raise DataError(
            f"{where}: was fitted on columns {shown(list(own))} and saved with features "
            f"{shown(list(features))}: {shown(moved)} are at other places; name them in the order "
            "of the fit"
        )


def write(folder: Path, signature: FeatureSignature) -> None:
    """Write the signature beside the model in `folder`."""
    said = {name: value for name, value in asdict(signature).items() if value is not None}
    document = {**said, "features": list(signature.features)}
    (folder / FILE).write_text(yaml_text.dump(document), encoding="utf-8")


def read(folder: Path) -> FeatureSignature:
    """Return the signature beside the model in `folder`, one that says nothing where none is.

    Raises:
        DataError: the file is none that `write` writes.
    """
    path = folder / FILE
    if not path.is_file():
        return FeatureSignature()
    try:
        return checked(_parsed(yaml_text.read(path)), str(path))
    except (ParameterError, TypeError) as error:
        raise DataError(f"{path}: no signature: {error}; write features, a list of names") from (
            error
        )


def _parsed(document: Any) -> FeatureSignature:
    if not isinstance(document, dict):
        raise TypeError(f"{shown(document)} is no mapping")
    features = document.get("features", [])
    if not isinstance(features, Sequence) or not all(isinstance(one, str) for one in features):
        raise TypeError(f"features {shown(features)}: no list of names")
    if not isinstance(document.get("probabilities"), bool | None):
        raise TypeError(f"probabilities {shown(document['probabilities'])}: write true or false")
    return FeatureSignature(**{**document, "features": tuple(features)})
