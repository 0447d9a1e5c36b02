"""Exports a Keras model with the two signatures that serving and evaluation use.

`serving_default` takes raw features by name: what curl sends to TF Serving as
`{"instances": [{"hour": 5, "carrier": "AA", "words": ["a", "b"]}]}`. `serve_tf_examples` takes
serialized tf.Examples. TF Serving's row format cannot leave a feature out, so for features that
may be missing these values mean missing: "" for text, NaN for floats, the smallest int64 for
integers. A list of any length ends before the last of them.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from kanaria.components.shared.artifacts.model_inputs import OPTIONAL_INPUTS
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.train import precision, signature_names

MISSING_INTEGER = tf.int64.min
OUTPUT = "outputs"


def _is_present(values: tf.Tensor) -> tf.Tensor:
    if values.dtype == tf.string:
        return tf.not_equal(values, "")
    if values.dtype.is_floating:
        return tf.logical_not(tf.math.is_nan(values))
    return tf.not_equal(values, MISSING_INTEGER)


def _input_shape(name: str, specification: Any, single: bool) -> list[int | None]:
    """Return the shape of a row: one value, k where k are fixed, or a list of any length."""
    if isinstance(specification, tf.io.FixedLenFeature):
        return [] if math.prod(specification.shape) == 1 else list(specification.shape)
    if isinstance(specification, tf.io.VarLenFeature):
        return [] if single else [None]
    raise ParameterError(
        f"export_model: feature {shown(name)} is a {type(specification).__name__}, which has no "
        "row form; sign serialized tf.Examples yourself, or make it a list or a fixed shape"
    )


def _raw_feature(values: tf.Tensor, specification: Any) -> Any:
    """Turn the values of a request, shape (rows, ...), into what the transform was traced with."""
    if isinstance(specification, tf.io.FixedLenFeature):
        return tf.reshape(values, [-1, *specification.shape])
    if values.shape.rank == 2:
        return _lists(values)
    rows = tf.where(_is_present(values))
    shape = tf.stack([tf.size(values, out_type=tf.int64), 1])
    return tf.SparseTensor(
        tf.concat([rows, tf.zeros_like(rows)], axis=1), tf.gather_nd(values, rows), shape
    )


def _lists(values: tf.Tensor) -> tf.SparseTensor:
    """Return lists of shape (rows, k) without the marks of missing at their ends."""
    places = tf.range(1, tf.shape(values)[1] + 1)
    ends = tf.where(_is_present(values), places, 0)
    # A row of no places has no largest one.
    lengths = tf.reduce_max(tf.pad(ends, [[0, 0], [0, 1]]), axis=1)
    return tf.RaggedTensor.from_tensor(values, lengths=lengths).to_sparse()


def _single_valued(tf_transform_output: tft.TFTransformOutput) -> set[str]:
    """Return the raw features that have at most one value a row."""
    schema = tf_transform_output.raw_metadata.schema
    return {feature.name for feature in schema.feature if feature.value_count.max == 1}


def _request_features(
    tf_transform_output: tft.TFTransformOutput, label_keys: str | Collection[str]
) -> dict[str, Any]:
    """Return the parsing specification of the raw features without the labels."""
    specification = tf_transform_output.raw_feature_spec()
    labels = {label_keys} if isinstance(label_keys, str) else set(label_keys)
    faults = Faults("export_model")
    for label in sorted(labels - set(specification)):
        faults.check(False, "label_keys", label, f"name one of {', '.join(sorted(specification))}")
    faults.raise_if_any()
    return {name: kind for name, kind in specification.items() if name not in labels}


def _model_inputs(model: Any, transformed: Mapping[str, Any]) -> Any:
    """Return the transformed features in the structure of a Keras model's inputs.

    Raises:
        ParameterError: the model has no named inputs, or one that is no transformed feature.
    """
    structure = getattr(model, "input", None)
    if structure is None:  # A Sequential of Keras 3 has them as a list alone.
        structure = getattr(model, "inputs", None)
    if structure is None:
        raise ParameterError(
            f"export_model: {type(model).__name__} has no named inputs; pass a functional Keras "
            "model, or sign serving_default and serve_tf_examples yourself"
        )
    flat = [structure] if not isinstance(structure, Mapping | Sequence) else list(structure)
    names = flat if isinstance(structure, Mapping) else _input_names(model, flat)
    unknown = sorted(set(names) - set(transformed))
    if unknown:
        raise ParameterError(
            f"export_model: inputs {shown(unknown)} of the model are no transformed features; "
            f"name them as preprocessing_fn does: {shown(sorted(transformed))}"
        )
    if isinstance(structure, Mapping):
        return {name: transformed[name] for name in names}
    return [transformed[name] for name in names] if len(names) > 1 else transformed[names[0]]


def _input_names(model: Any, tensors: Sequence[Any]) -> list[str]:
    """Return the names of inputs: Keras 3 asks its tensors, Keras 2 the model."""
    return list(getattr(model, "input_names", None) or [tensor.name for tensor in tensors])


def _named(model: Any, outputs: Any) -> dict[str, tf.Tensor]:
    """Return a model's outputs by name; a single one is called `outputs`."""
    if isinstance(outputs, Mapping):
        return dict(outputs)
    if isinstance(outputs, Sequence):
        return dict(zip(model.output_names, outputs, strict=True))
    return {OUTPUT: outputs}


def export_model(
    model: Any,
    tf_transform_output: tft.TFTransformOutput,
    serving_model_dir: str,
    label_keys: str | Collection[str],
    transformed_signature: str = "",
) -> None:
    """Save `model` behind its transform with both signatures, and bare with a third.

    Each returns the model's outputs by name, a single one as `outputs`; those of 16 bits, which a
    mixed policy of Keras gives, in 32.

    Args:
        model: functional model of tf.keras, or of Keras 3 on TensorFlow, whose inputs are named
            as transformed features are.
        tf_transform_output: the graph the model was trained behind.
        serving_model_dir: `fn_args.serving_model_dir`.
        label_keys: the raw feature, or features, that a request does not hold.
        transformed_signature: name of a signature without the transform, which takes the model's
            inputs by name: what `export_lite` converts; empty for none.

    Raises:
        ParameterError: a label is no raw feature, a feature has no row form or a name that
            TensorFlow cannot tell from another, or the model's inputs are no features.
    """
    specification = _request_features(tf_transform_output, label_keys)
    saved_as = signature_names.writable(specification)
    single = _single_valued(tf_transform_output)
    precision.keep_transform_in_its_types()
    module = tf.Module()
    # What the signatures hold on to must be tracked, or it is not saved.
    module.transform = tf_transform_output.transform_features_layer()
    module.model = model

    def answer(raw: dict[str, Any]) -> dict[str, tf.Tensor]:
        return precision.served(_named(model, model(_model_inputs(model, module.transform(raw)))))

    def from_rows(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return answer(
            {
                name: _raw_feature(values[saved_as[name]], kind)
                for name, kind in specification.items()
            }
        )

    def from_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer(tf.io.parse_example(examples, specification))

    def from_transformed(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return precision.served(_named(model, model(_model_inputs(model, values))))

    rows = {
        saved_as[name]: tf.TensorSpec(
            [None, *_input_shape(name, kind, name in single)], kind.dtype, saved_as[name]
        )
        for name, kind in specification.items()
    }
    setattr(module, OPTIONAL_INPUTS, _teller(specification))
    signatures = {
        "serving_default": _traced(from_rows, rows),
        "serve_tf_examples": _traced(from_examples, tf.TensorSpec([None], tf.string, "examples")),
    }
    if transformed_signature:
        inputs = _transformed_inputs(model, tf_transform_output)
        signatures[transformed_signature] = _traced(from_transformed, inputs)
    tf.saved_model.save(module, serving_model_dir, signatures=signatures)
    signature_names.restore(Path(serving_model_dir), saved_as)


def _transformed_inputs(
    model: Any, tf_transform_output: tft.TFTransformOutput
) -> dict[str, tf.TensorSpec]:
    """Return what a signature without the transform takes: the model's inputs, dense.

    Raises:
        ParameterError: an input is sparse, or has a name that TensorFlow cannot write.
    """
    features = tf_transform_output.transformed_feature_spec()
    names = tf.nest.flatten(_model_inputs(model, {name: name for name in features}))
    faults = Faults("export_model: transformed_signature")
    for name in names:
        dense = isinstance(features[name], tf.io.FixedLenFeature)
        faults.check(dense, "feature", name, "is sparse; make it dense in preprocessing_fn")
        writable = signature_names.writable([name])[name] == name
        faults.check(writable, "feature", name, "name it by letters, digits and _ alone")
    faults.raise_if_any()
    return {
        name: tf.TensorSpec([None, *features[name].shape], features[name].dtype, name)
        for name in names
    }


def _traced(function: Any, specification: Any) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(specification)


def _teller(specification: Mapping[str, Any]) -> Any:
    """Return a function, saved with the model, that tells which features may be missing."""
    optional = [n for n, kind in specification.items() if isinstance(kind, tf.io.VarLenFeature)]
    return tf.function(lambda: tf.constant(sorted(optional), tf.string), input_signature=[])
