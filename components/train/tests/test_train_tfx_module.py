"""A module of the shape of TFX's examples, in two files, with all that those import."""

from dataclasses import replace
from pathlib import Path

import keras_tuner
import numpy as np
import tensorflow as tf

from kanaria.components.train.train import TrainRequest, train

BASE = """
import tensorflow as tf
from tfx import v1 as tfx
from tfx_bsl.public import tfxio

LABEL = "late"
NAMES = ["distance_xf", "hour_xf"]


def rows(patterns, accessor: tfx.components.DataAccessor, graph, size):
    options = tfxio.TensorFlowDatasetOptions(batch_size=size, label_key=LABEL + "_xf")
    return accessor.tf_dataset_factory(
        patterns, options, graph.transformed_metadata.schema
    ).repeat()


def signatures(model, graph):
    model.tft_layer = graph.transform_features_layer()
    examples = [tf.TensorSpec([None], tf.string, name="examples")]

    @tf.function(input_signature=examples)
    def serve(serialized):
        spec = graph.raw_feature_spec()
        spec.pop(LABEL)
        return {"outputs": model(model.tft_layer(tf.io.parse_example(serialized, spec)))}

    @tf.function(input_signature=examples)
    def transform(serialized):
        return model.tft_layer(tf.io.parse_example(serialized, graph.raw_feature_spec()))

    @tf.function(input_signature=[tf.TensorSpec([1, 1], tf.float32, name=n) for n in NAMES])
    def dense(distance, hour):
        return {"outputs": model({"distance_xf": distance, "hour_xf": hour})}

    return {"serving_default": serve, "transform_features": transform, "dense": dense}
"""

MAIN = """
import os

import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx
from tfx.components.trainer.executor import TrainerFnArgs
from tfx.components.trainer.rewriting import converters, rewriter, rewriter_factory
from tfx.components.transform import stats_options_util
from tfx.dsl.io import fileio
from tfx.examples.flights import flights_base as base


def stats_options_updater_fn(stats_type: stats_options_util.StatsType, stats_options):
    return stats_options


def hyperparameters():
    space = keras_tuner.HyperParameters()
    space.Choice("learning_rate", [0.1, 0.01], default=0.1)
    return space


def tuner_fn(fn_args: tfx.components.FnArgs) -> tfx.components.TunerFnResult:
    raise AssertionError("nothing calls it")


def run_fn(fn_args: TrainerFnArgs):
    graph = tft.TFTransformOutput(fn_args.transform_graph_path)
    space = hyperparameters()
    if fn_args.hyperparameters:
        space = keras_tuner.HyperParameters.from_config(fn_args.hyperparameters)
    with tf.distribute.MirroredStrategy().scope():
        inputs = {name: tf.keras.Input((1,), name=name) for name in base.NAMES}
        joined = tf.keras.layers.concatenate(list(inputs.values()))
        model = tf.keras.Model(inputs, tf.keras.layers.Dense(2)(joined))
        model.compile(
            tf.keras.optimizers.Adam(space.get("learning_rate")),
            tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
    print("rate", space.get("learning_rate"))
    files = base.rows(fn_args.train_files, fn_args.data_accessor, graph, 20)
    model.fit(files, steps_per_epoch=fn_args.train_steps, verbose=0)
    saved = os.path.join(fn_args.serving_model_dir, "temp")
    tf.saved_model.save(model, saved, signatures=base.signatures(model, graph))
    lite = rewriter_factory.create_rewriter(
        rewriter_factory.TFLITE_REWRITER, name="lite", signature_key="dense"
    )
    converters.rewrite_saved_model(
        saved, fn_args.serving_model_dir, lite, rewriter.ModelType.TFLITE_MODEL
    )
    fileio.rmtree(saved)
"""


def test_a_module_of_tfx_in_two_files_runs_unchanged(transformed: Path, tmp_path: Path, capfd):
    (tmp_path / "flights_base.py").write_text(BASE)
    (tmp_path / "flights_main.py").write_text(MAIN)
    space = keras_tuner.HyperParameters()
    space.Choice("learning_rate", [0.1, 0.01], default=0.01)
    request = TrainRequest(
        examples=transformed / "examples",
        transformed_examples=transformed / "transformed",
        schema=transformed / "schema",
        transform_graph=transformed / "graph",
        module_file=str(tmp_path / "flights_main.py"),
        train_steps=3,
    )
    trained = train(request, tmp_path / "model", tmp_path / "run")
    assert "rate 0.1\n" in capfd.readouterr().out
    assert {"serving_default", "transform_features", "dense"} <= set(trained.signatures)
    folder = tmp_path / "model" / "1"
    assert not (folder / "temp").exists()
    model = tf.saved_model.load(str(folder))
    row = {"distance_xf": np.float32([[0.7]]), "hour_xf": np.float32([[0.3]])}
    expected = model.signatures["dense"](**{k: tf.constant(v) for k, v in row.items()})["outputs"]
    lite = tf.lite.Interpreter(model_path=str(folder / "tflite")).get_signature_runner("dense")
    np.testing.assert_allclose(lite(**row)["outputs"], expected, rtol=1e-5)

    tuned = replace(request, hyperparameters=space.get_config())
    train(tuned, tmp_path / "tuned", tmp_path / "again")
    assert "rate 0.01\n" in capfd.readouterr().out
