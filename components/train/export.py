"""Exports a Keras model with the two signatures that serving and evaluation use.

`serving_default` takes raw features by name, one value a row: what curl sends to TF Serving as
`{"instances": [{"hour": 5, "carrier": "AA"}]}`. `serve_tf_examples` takes serialized
tf.Examples. TF Serving's row format cannot leave a feature out, so for features that may be
missing these values mean missing: "" for text, NaN for floats, the smallest int64 for integers.
"""

import math
from collections.abc import Collection
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.parameters import Faults

MISSING_INTEGER = tf.int64.min
OUTPUT = "outputs"


def _is_present(values: tf.Tensor) -> tf.Tensor:
    if values.dtype == tf.string:
        return tf.not_equal(values, "")
    if values.dtype.is_floating:
        return tf.logical_not(tf.math.is_nan(values))
    return tf.not_equal(values, MISSING_INTEGER)


def _input_spec(name: str, specification: Any) -> tf.TensorSpec:
    """Return what a request holds for a raw feature: one value a row, or k where k are fixed."""
    if isinstance(specification, tf.io.FixedLenFeature):
        shape = [] if math.prod(specification.shape) == 1 else specification.shape
        return tf.TensorSpec([None, *shape], specification.dtype, name)
    if isinstance(specification, tf.io.VarLenFeature):
        return tf.TensorSpec([None], specification.dtype, name)
    raise ParameterError(
        f"export_model: feature {shown(name)} is a {type(specification).__name__}, which has no "
        "row form; sign serialized tf.Examples yourself, or make it a list or a fixed shape"
    )


def _raw_feature(values: tf.Tensor, specification: Any) -> Any:
    """Turn the values of a request, shape (rows, ...), into what the transform was traced with."""
    if isinstance(specification, tf.io.FixedLenFeature):
        return tf.reshape(values, [-1, *specification.shape])
    rows = tf.where(_is_present(values))
    shape = tf.stack([tf.size(values, out_type=tf.int64), 1])
    return tf.SparseTensor(
        tf.concat([rows, tf.zeros_like(rows)], axis=1), tf.gather_nd(values, rows), shape
    )


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


def export_model(
    model: Any,
    tf_transform_output: tft.TFTransformOutput,
    serving_model_dir: str,
    label_keys: str | Collection[str],
) -> None:
    """Save `model` behind its transform with both signatures; each returns `outputs`.

    Args:
        model: Keras functional model whose inputs are named as transformed features are.
        tf_transform_output: the graph the model was trained behind.
        serving_model_dir: `fn_args.serving_model_dir`.
        label_keys: the raw feature, or features, that a request does not hold.

    Raises:
        ParameterError: a label is no raw feature, or a feature has no row form.
    """
    specification = _request_features(tf_transform_output, label_keys)
    module = tf.Module()
    # What the signatures hold on to must be tracked, or it is not saved.
    module.transform = tf_transform_output.transform_features_layer()
    module.model = model

    def answer(raw: dict[str, Any]) -> dict[str, tf.Tensor]:
        transformed = module.transform(raw)
        return {OUTPUT: model({name: transformed[name] for name in model.input_names})}

    def from_rows(**values: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer({name: _raw_feature(values[name], specification[name]) for name in values})

    def from_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer(tf.io.parse_example(examples, specification))

    rows = {name: _input_spec(name, kind) for name, kind in specification.items()}
    serialized = tf.TensorSpec([None], tf.string, "examples")
    signatures = {
        "serving_default": tf.function(from_rows, autograph=False).get_concrete_function(**rows),
        "serve_tf_examples": tf.function(from_examples, autograph=False).get_concrete_function(
            serialized
        ),
    }
    tf.saved_model.save(module, serving_model_dir, signatures=signatures)
