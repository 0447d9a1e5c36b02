"""Models of scikit-learn, XGBoost and ONNX as functions from rows to predictions.

TFMA compares labels with one number a row of a binary classifier, so of its two probabilities the
second one counts: that of class 1.
"""

from collections.abc import Mapping
from typing import Any

from kanaria.components.evaluate.model_signature import LoadedModel, Outputs, Signature
from kanaria.components.shared.artifacts.model_inputs import Array
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.frameworks.array_model import ArrayModel
from kanaria.components.shared.frameworks.load_model import load as load_model
from kanaria.components.shared.frameworks.model_files import ModelFiles


def load(files: ModelFiles, spec: Any) -> LoadedModel:
    """Load a model of a framework without signatures.

    Args:
        files: of the model.
        spec: a `tfma.ModelSpec`.

    Raises:
        DataError: it does not load, or its classes are no places that labels can be compared with.
        ParameterError: the spec names a signature.
    """
    names = [spec.signature_name, *spec.preprocessing_function_names]
    if any(names):
        raise ParameterError(
            f"model {files.file}: a model of {files.framework} has no signatures; take "
            f"{shown(next(filter(None, names)))} out of model_specs"
        )
    model = load_model(files)
    _check_classes(model)
    binary = model.classes is not None and len(model.classes) == 2

    def call(arrays: Mapping[str, Array]) -> Outputs:
        outputs = model.answers(arrays)
        return {name: values[:, 1:] if binary else values for name, values in outputs.items()}

    signature = Signature(
        where=f"model {files.file}",
        call=call,
        outputs=frozenset(model.outputs),
        inputs=model.inputs,
    )
    return LoadedModel(name=spec.name, folder=files.folder, predict=signature)


def _check_classes(model: ArrayModel) -> None:
    """Refuse classes that are not 0, 1, ...: probabilities are by place, and so are TFMA's labels.

    Raises:
        DataError: they are others.
    """
    classes = model.classes
    if classes is None or all(place == one for place, one in enumerate(classes)):
        return
    raise DataError(
        f"model {model.files.file}: its classes are {shown(list(classes))}, and metrics compare "
        f"with labels 0 to {len(classes) - 1}; train on these numbers"
    )
