"""Will a flight arrive more than 15 minutes late? From what is known before take-off."""

import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.public import tfxio

from kanaria.components.shared.tfx_names import FnArgs
from kanaria.components.train.export import export_model

LABEL = "late"
CATEGORIES = ("carrier", "origin", "dest")
NUMBERS = ("distance", "sched_dep_minutes", "temp", "wind_speed", "precip", "visib")
BUCKETS = {"hour": 24, "weekday": 7, "month": 13}
OUT_OF_VOCABULARY = 1
VOCABULARY_SIZE = 120
BATCH_SIZE = 256


def _dense(tensor):
    """Return shape (rows,); a missing number becomes 0 and a missing text empty."""
    if isinstance(tensor, tf.SparseTensor):
        shape = [tensor.dense_shape[0], 1]
        tensor = tf.sparse.to_dense(tf.SparseTensor(tensor.indices, tensor.values, shape))
    return tf.squeeze(tensor, axis=1)


def preprocessing_fn(inputs):
    """Scale numbers, look categories up in vocabularies, keep small integers."""
    outputs = {}
    for name in NUMBERS:
        outputs[name] = tft.scale_to_z_score(tf.cast(_dense(inputs[name]), tf.float32))
    for name in CATEGORIES:
        outputs[name] = tft.compute_and_apply_vocabulary(
            _dense(inputs[name]), top_k=VOCABULARY_SIZE, num_oov_buckets=OUT_OF_VOCABULARY
        )
    for name in BUCKETS:
        outputs[name] = _dense(inputs[name])
    outputs[LABEL] = _dense(inputs[LABEL])
    return outputs


def _model(units):
    inputs = {name: tf.keras.Input(shape=(1,), name=name) for name in NUMBERS}
    parts = list(inputs.values())
    sizes = BUCKETS | dict.fromkeys(CATEGORIES, VOCABULARY_SIZE + OUT_OF_VOCABULARY)
    for name, size in sizes.items():
        inputs[name] = tf.keras.Input(shape=(1,), name=name, dtype=tf.int64)
        embedding = tf.keras.layers.Embedding(size, 8)(inputs[name])
        parts.append(tf.keras.layers.Flatten()(embedding))
    hidden = tf.keras.layers.concatenate(parts)
    for _ in range(2):
        hidden = tf.keras.layers.Dense(units, activation="relu")(hidden)
    output = tf.keras.layers.Dense(1, activation="sigmoid")(hidden)
    model = tf.keras.Model(inputs, output)
    model.compile(tf.keras.optimizers.Adam(2e-3), "binary_crossentropy", metrics=["AUC"])
    return model


def run_fn(fn_args: FnArgs):
    """Train on the transformed examples and export both signatures."""
    transform = tft.TFTransformOutput(fn_args.transform_output)

    def batches(files):
        options = tfxio.TensorFlowDatasetOptions(batch_size=BATCH_SIZE, label_key=LABEL)
        schema = transform.transformed_metadata.schema
        return fn_args.data_accessor.tf_dataset_factory(files, options, schema)

    model = _model(fn_args.hyperparameters.get("units", 32))
    if fn_args.base_model:  # Words that the vocabulary numbers anew are learned anew.
        base = tf.train.Checkpoint(model=model)
        base.read(f"{fn_args.base_model}/variables/variables").expect_partial()
    model.fit(
        batches(fn_args.train_files),
        steps_per_epoch=fn_args.train_steps,
        validation_data=batches(fn_args.eval_files),
        validation_steps=fn_args.eval_steps,
        verbose=2,
    )
    export_model(model, transform, fn_args.serving_model_dir, label_keys=[LABEL])
