"""A signature of a SavedModel, loaded for steps that call it; the caller brings TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts.model_folder import version_folder
from kanaria.components.shared.errors import DataError, ParameterError, shown


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedSignature:
    """A loaded signature.

    Attributes:
        folder: of the version that was loaded.
        loaded: the model, which holds what the signature computes with.
        call: the concrete function; takes named tensors, returns named tensors.
    """

    folder: Path
    loaded: Any
    call: Any


def load(model: Path, name: str, step: str, tensorflow: ModuleType) -> SavedSignature:
    """Load the newest SavedModel below `model` with the signature of this name.

    Args:
        model: folder of versions.
        name: of the signature.
        step: which asks for it, for the message of a wrong name.
        tensorflow: the module, which is not loaded here.

    Raises:
        DataError: there is no SavedModel that loads.
        ParameterError: the model has no such signature.
    """
    folder = version_folder(model)
    try:
        loaded = tensorflow.saved_model.load(str(folder))
    except (OSError, ValueError, tensorflow.errors.OpError) as error:
        raise DataError(
            f"model {shown(str(folder))}: does not load: {exception_cause.summary(error)}; "
            "train it again"
        ) from error
    if name not in loaded.signatures:
        names = ", ".join(sorted(loaded.signatures)) or "none"
        raise ParameterError(f"{step}: signature={shown(name)}: the model has: {names}")
    return SavedSignature(folder=folder, loaded=loaded, call=loaded.signatures[name])
