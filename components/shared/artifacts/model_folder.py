"""Where in a model artifact the SavedModel lies."""

from pathlib import Path

from kanaria.components.shared.errors import DataError, shown


def version_folder(model: Path) -> Path:
    """Return the SavedModel of the highest version below `model`, or `model` itself.

    Raises:
        DataError: there is no SavedModel.
    """
    versions = [p for p in model.glob("*") if p.name.isdigit() and (p / "saved_model.pb").is_file()]
    if versions:
        return max(versions, key=lambda path: int(path.name))
    if (model / "saved_model.pb").is_file():
        return model
    raise DataError(
        f"model {shown(str(model))}: no <version>/saved_model.pb below it; give a SavedModel"
    )
