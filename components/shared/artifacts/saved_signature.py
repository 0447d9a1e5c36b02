"""SavedModels and their signatures, loaded for whoever calls them; the caller brings TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts import private_tensorflow
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


def load_model(folder: Path, tensorflow: ModuleType) -> Any:
    """Load a SavedModel, also one that was saved with its optimizer.

    Args:
        folder: with `saved_model.pb`.
        tensorflow: the module, which is not loaded here.

    Raises:
        DataError: it does not load.
    """
    private_tensorflow.register_optimizers(tensorflow)
    where = f"model {shown(str(folder))}: does not load"
    try:
        return tensorflow.saved_model.load(str(folder))
    except AttributeError as error:  # What it holds cannot do what loading asks of it.
        raise DataError(
            f"{where}: {exception_cause.summary(error)}; save it without its optimizer"
        ) from error
    except (OSError, TypeError, ValueError, tensorflow.errors.OpError) as error:
        raise DataError(f"{where}: {exception_cause.summary(error)}; train it again") from error


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
    loaded = load_model(folder, tensorflow)
    if name not in loaded.signatures:
        names = ", ".join(sorted(loaded.signatures)) or "none"
        raise ParameterError(f"{step}: signature={shown(name)}: the model has: {names}")
    return SavedSignature(folder=folder, loaded=loaded, call=loaded.signatures[name])
