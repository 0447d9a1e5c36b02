"""Exports a Keras model with the two signatures that serving and evaluation use.

`serving_default` takes raw features by name, one value a row: what curl sends to TF Serving as
`{"instances": [{"hour": 5, "carrier": "AA"}]}`. `serve_tf_examples` takes serialized
tf.Examples. TF Serving's row format cannot leave a feature out, so for features that may be
missing these values mean missing: "" for text, NaN for floats, the smallest int64 for integers.
"""

from collections.abc import Collection
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

MISSING_INTEGER = tf.int64.min
OUTPUT = "outputs"


def _is_present(values: tf.Tensor) -> tf.Tensor:
    if values.dtype == tf.string:
        return tf.not_equal(values, "")
    if values.dtype.is_floating:
        return tf.logical_not(tf.math.is_nan(values))
    return tf.not_equal(values, MISSING_INTEGER)


def _raw_feature(values: tf.Tensor, specification: Any) -> Any:
    """Turn one value a row, shape (rows,), into the tensor the transform was traced with."""
    if isinstance(specification, tf.io.FixedLenFeature):
        return tf.reshape(values, [-1, *specification.shape])
    rows = tf.where(_is_present(values))
    shape = tf.stack([tf.size(values, out_type=tf.int64), 1])
    return tf.SparseTensor(
        tf.concat([rows, tf.zeros_like(rows)], axis=1), tf.gather_nd(values, rows), shape
    )


def export_model(
    model: Any,
    tf_transform_output: tft.TFTransformOutput,
    serving_model_dir: str,
    label_keys: Collection[str],
) -> None:
    """Save `model` behind its transform with both signatures; each returns `outputs`.

    Args:
        model: Keras model of a dict of transformed features.
        tf_transform_output: the graph the model was trained behind.
        serving_model_dir: `fn_args.serving_model_dir`.
        label_keys: raw features that a request does not hold.
    """
    specification = {
        name: kind
        for name, kind in tf_transform_output.raw_feature_spec().items()
        if name not in label_keys
    }
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

    rows = {name: tf.TensorSpec([None], kind.dtype, name) for name, kind in specification.items()}
    serialized = tf.TensorSpec([None], tf.string, "examples")
    signatures = {
        "serving_default": tf.function(from_rows, autograph=False).get_concrete_function(**rows),
        "serve_tf_examples": tf.function(from_examples, autograph=False).get_concrete_function(
            serialized
        ),
    }
    tf.saved_model.save(module, serving_model_dir, signatures=signatures)
