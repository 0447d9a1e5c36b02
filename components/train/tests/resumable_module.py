"""A user's module with three kinds of random state: row order, noise in the input, dropout."""

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils
from tfx_bsl.public import tfxio

from kanaria.components.train.checkpoints import Checkpoints


def noisy(features, late):
    distance = features["distance"] / 3000.0
    return distance + tf.random.normal(tf.shape(distance), stddev=0.1), late


def run_fn(fn_args: FnArgs):
    schema = io_utils.parse_pbtxt_file(fn_args.schema_path, schema_pb2.Schema())
    options = tfxio.TensorFlowDatasetOptions(batch_size=16, label_key="late")
    rows = fn_args.data_accessor.tf_dataset_factory(fn_args.train_files, options, schema)
    layers = tf.keras.layers
    hidden = [layers.Dense(64, "relu", input_shape=(1,)), layers.Dropout(0.5)]
    model = tf.keras.Sequential([*hidden, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["AUC"])
    checkpoints = Checkpoints(model, fn_args)
    model.fit(
        checkpoints.remaining(rows.map(noisy)),
        steps_per_epoch=5,
        epochs=fn_args.train_steps // 5,
        initial_epoch=checkpoints.epoch,
        callbacks=[tf.keras.callbacks.TensorBoard(fn_args.model_run_dir), checkpoints],
        verbose=2,
    )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "distance")])
    def answer(distance):
        return {"outputs": model(tf.expand_dims(distance, 1))}

    tf.saved_model.save(model, fn_args.serving_model_dir, {"serving_default": answer})
