"""Which versions of the packages that matter for a model are installed here."""

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


def versions() -> dict[str, str]:
    """Return package -> version, for those of a model's packages that are here."""
    return {name: version for name in OF_A_MODEL if (version := _version(name))}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
