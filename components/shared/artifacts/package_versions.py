"""Which versions of the packages that matter for a model are installed here."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

OF_A_MODEL = (
    "kanaria",
    "tensorflow",
    "tf-keras",
    "keras",
    "tensorflow-transform",
    "tensorflow-data-validation",
    "numpy",
    "pyarrow",
)
OF_FRAMEWORKS: Mapping[str, tuple[str, ...]] = {
    "sklearn": ("scikit-learn", "joblib", "scipy"),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "onnx": ("onnxruntime", "onnx", "skl2onnx"),
}
"""Packages that a model is read by beside these, by the name of its format."""


def versions(model_format: str = "") -> dict[str, str]:
    """Return package -> version, for those of a model's packages that are here."""
    names = (*OF_A_MODEL, *OF_FRAMEWORKS.get(model_format, ()))
    return {name: version for name in names if (version := _version(name))}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
