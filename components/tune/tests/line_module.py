"""A model of tf.keras whose default learning rate is far too small."""

import keras_tuner
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import v1 as tfx
from tfx_bsl.public import tfxio


def rows(fn_args, files):
    schema = tfx.utils.parse_pbtxt_file(fn_args.schema_path, schema_pb2.Schema())
    options = tfxio.TensorFlowDatasetOptions(batch_size=16, label_key="y", num_epochs=1)
    return fn_args.data_accessor.tf_dataset_factory(files, options, schema)


def build(hp):
    inputs = {"x": tf.keras.Input((1,), name="x")}
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(inputs["x"]))
    rate = hp.Float("learning_rate", 1e-5, 1.0, sampling="log", default=1e-5)
    model.compile(tf.keras.optimizers.SGD(rate), "mse", metrics=["mae"])
    return model


def tuner_fn(fn_args: tfx.components.FnArgs) -> tfx.components.TunerFnResult:
    tuner = keras_tuner.RandomSearch(
        build,
        objective="val_loss",
        max_trials=4,
        directory=fn_args.working_dir,
        project_name="line",
        overwrite=True,
    )
    logs = tf.keras.callbacks.CSVLogger(fn_args.working_dir + "/log.csv", append=True)
    return tfx.components.TunerFnResult(
        tuner=tuner,
        fit_kwargs={
            "x": rows(fn_args, fn_args.train_files),
            "validation_data": rows(fn_args, fn_args.eval_files),
            "epochs": 3,
            "verbose": 0,
            "callbacks": [logs],
        },
    )
