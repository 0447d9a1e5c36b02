"""A TFX-style user module for taxi trips; it imports nothing of Kanaria."""

import os

import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx
from tfx_bsl.public import tfxio

LABEL = "tips"
FARE = "fare"
SCALED = ["trip_miles", "fare", "trip_seconds"]
BUCKETED = ["pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude"]
VOCABULARY = ["payment_type", "company"]
HOURS = ["trip_start_hour", "trip_start_day", "trip_start_month"]
BUCKETS = 10
VOCABULARY_SIZE = 1000
OUT_OF_VOCABULARY = 10


def _name(key):
    return key + "_xf"


def _dense(x):
    if not isinstance(x, tf.SparseTensor):
        return tf.squeeze(x, axis=1)
    default = "" if x.dtype == tf.string else 0
    dense = tf.sparse.to_dense(
        tf.SparseTensor(x.indices, x.values, [x.dense_shape[0], 1]), default_value=default
    )
    return tf.squeeze(dense, axis=1)


def preprocessing_fn(inputs):
    outputs = {}
    for key in SCALED:
        outputs[_name(key)] = tft.scale_to_z_score(tf.cast(_dense(inputs[key]), tf.float32))
    for key in VOCABULARY:
        outputs[_name(key)] = tft.compute_and_apply_vocabulary(
            _dense(inputs[key]), top_k=VOCABULARY_SIZE, num_oov_buckets=OUT_OF_VOCABULARY
        )
    for key in BUCKETED:
        outputs[_name(key)] = tft.bucketize(_dense(inputs[key]), BUCKETS)
    for key in HOURS:
        outputs[_name(key)] = _dense(inputs[key])
    fare = tf.cast(_dense(inputs[FARE]), tf.float32)
    tips = tf.cast(_dense(inputs[LABEL]), tf.float32)
    outputs[_name(LABEL)] = tf.cast(tips > 0.2 * fare, tf.int64)
    return outputs


def _input_fn(
    file_pattern: list[str],
    data_accessor: tfx.components.DataAccessor,
    tf_transform_output: tft.TFTransformOutput,
    batch_size: int,
) -> tf.data.Dataset:
    return data_accessor.tf_dataset_factory(
        file_pattern,
        tfxio.TensorFlowDatasetOptions(batch_size=batch_size, label_key=_name(LABEL)),
        tf_transform_output.transformed_metadata.schema,
    ).repeat()


def _model(units):
    inputs, parts = {}, []
    for key in SCALED:
        inputs[_name(key)] = tf.keras.layers.Input(shape=(1,), name=_name(key))
        parts.append(inputs[_name(key)])
    sizes = dict.fromkeys(BUCKETED, BUCKETS)
    sizes |= {"trip_start_hour": 24, "trip_start_day": 8, "trip_start_month": 13}
    sizes |= dict.fromkeys(VOCABULARY, VOCABULARY_SIZE + OUT_OF_VOCABULARY)
    for key, size in sizes.items():
        inputs[_name(key)] = tf.keras.layers.Input(shape=(1,), name=_name(key), dtype=tf.int64)
        embedded = tf.keras.layers.Embedding(size, 4)(inputs[_name(key)])
        parts.append(tf.keras.layers.Flatten()(embedded))
    hidden = tf.keras.layers.Dense(units, activation="relu")(tf.keras.layers.concatenate(parts))
    output = tf.keras.layers.Dense(1, activation="sigmoid")(hidden)
    model = tf.keras.Model(inputs=inputs, outputs=output)
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["AUC"])
    return model


def _serving_signature(model, tf_transform_output):
    model.tft_layer = tf_transform_output.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_tf_examples_fn(serialized):
        specification = tf_transform_output.raw_feature_spec()
        specification.pop(LABEL)
        raw = tf.io.parse_example(serialized, specification)
        return {"outputs": model(model.tft_layer(raw))}

    return serve_tf_examples_fn


def _transform_signature(model, tf_transform_output):
    model.tft_layer_eval = tf_transform_output.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform_features_fn(serialized):
        raw = tf.io.parse_example(serialized, tf_transform_output.raw_feature_spec())
        return model.tft_layer_eval(raw)

    return transform_features_fn


def _strategy():
    """Compute together with the other workers, where there are any: compute.training_workers."""
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def run_fn(fn_args: tfx.components.FnArgs):
    strategy = _strategy()  # Before anything else of TensorFlow.
    tf_transform_output = tft.TFTransformOutput(fn_args.transform_output)
    train = _input_fn(fn_args.train_files, fn_args.data_accessor, tf_transform_output, 64)
    evaluation = _input_fn(fn_args.eval_files, fn_args.data_accessor, tf_transform_output, 64)
    with strategy.scope():
        model = _model((fn_args.hyperparameters or {}).get("units", 16))
    tensorboard = tf.keras.callbacks.TensorBoard(log_dir=fn_args.model_run_dir)
    model.fit(
        train,
        steps_per_epoch=fn_args.train_steps,
        validation_data=evaluation,
        validation_steps=fn_args.eval_steps,
        callbacks=[tensorboard],
        verbose=2,
    )
    signatures = {
        "serving_default": _serving_signature(model, tf_transform_output),
        "transform_features": _transform_signature(model, tf_transform_output),
    }
    model.save(fn_args.serving_model_dir, save_format="tf", signatures=signatures)
