"""SavedModels as functions from rows to predictions."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from kanaria.components.evaluate import array_functions
from kanaria.components.evaluate.model_signature import LoadedModel, Signature
from kanaria.components.shared.artifacts.model_inputs import (
    inputs_of,
    optional_inputs,
    parses_examples,
)
from kanaria.components.shared.artifacts.saved_signature import load_model
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.frameworks import model_files
from kanaria.components.shared.frameworks.model_files import Framework
from kanaria.components.shared.frameworks.model_function import signature_call

SERVE_EXAMPLES = "serve_tf_examples"
SERVING_DEFAULT = "serving_default"


def _signature(loaded: Any, folder: Path, name: str) -> Signature:
    if name not in loaded.signatures:
        raise ParameterError(
            f"model {folder}: no signature {shown(name)}; "
            f"it has: {', '.join(sorted(loaded.signatures)) or 'none'}"
        )
    function = loaded.signatures[name]
    inputs = inputs_of(function, optional_inputs(loaded) if name == SERVING_DEFAULT else None)

    return Signature(
        where=f"model {folder}, signature {name}",
        call=signature_call(function, tf),
        outputs=frozenset(function.structured_outputs),
        inputs=inputs,
        parses=parses_examples(function),
    )


def load(folder: Path, spec: Any) -> LoadedModel:
    """Load the model in `folder` with the signatures that `spec` names.

    Args:
        folder: holds `<version>/saved_model.pb` or `saved_model.pb`, or a model of another
            framework (see `model_files`), which has no signatures.
        spec: a `tfma.ModelSpec`; without a signature_name `serve_tf_examples` is used where
            the model has it, else `serving_default`.

    Raises:
        DataError: the folder holds no model that loads.
        ParameterError: the model lacks a signature that is named.
    """
    files = model_files.locate(folder)
    if files.framework is not Framework.TENSORFLOW:
        return array_functions.load(files, spec)
    version = files.folder
    loaded = load_model(version, tf)
    default = SERVE_EXAMPLES if SERVE_EXAMPLES in loaded.signatures else SERVING_DEFAULT
    names = list(spec.preprocessing_function_names)
    return LoadedModel(
        name=spec.name,
        folder=version,
        predict=_signature(loaded, version, spec.signature_name or default),
        preprocess=tuple(_signature(loaded, version, name) for name in names),
    )
