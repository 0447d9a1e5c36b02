"""Models of a mixed policy: what is raw stays exact, and what is served has 32 bits."""

import importlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from kanaria.components.shared.errors import ParameterError
from kanaria.components.train.export import export_model
from kanaria.components.train.precision import policy
from kanaria.components.train.train import TrainRequest, train
from kanaria.components.transform.transform import TransformRequest, transform

# 16 bits of a float16 end at 65,504, and tell 4,097 from no neighbour.
MILES = [1.0, 4097.0, 100_000.0, 1_000_000.0]
SCHEMA = """
feature { name: "miles" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "late" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""
MODULE = """
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.public import tfxio

from kanaria.components.train.export import export_model


def preprocessing_fn(inputs):
    return {"miles_xf": tf.math.log(inputs["miles"]), "late_xf": inputs["late"]}


def run_fn(fn_args):
    policies = [tf.keras.mixed_precision.global_policy().name]
    import keras
    policies.append(keras.config.dtype_policy().name)
    graph = tft.TFTransformOutput(fn_args.transform_output)
    rows = fn_args.data_accessor.tf_dataset_factory(
        fn_args.train_files,
        tfxio.TensorFlowDatasetOptions(batch_size=4, label_key="late_xf"),
        graph.transformed_metadata.schema,
    )
    inputs = {"miles_xf": tf.keras.Input((1,), name="miles_xf")}
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(inputs["miles_xf"]))
    model.compile("sgd", "mse")
    model.fit(rows, steps_per_epoch=fn_args.train_steps, verbose=0)
    policies += [type(model.optimizer).__name__, model.layers[-1].dtype_policy.variable_dtype]
    with open(fn_args.model_run_dir + "/policies.txt", "w") as file:
        file.write(" ".join(policies))
    if not fn_args.custom_config.get("signs_itself"):
        export_model(model, graph, fn_args.serving_model_dir, label_keys="late")
        return
    model.tft_layer = graph.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        features = {"miles": graph.raw_feature_spec()["miles"]}
        found = model.tft_layer(tf.io.parse_example(examples, features))
        return {"outputs": tf.cast(model(found), tf.float32)}

    model.save(fn_args.serving_model_dir, save_format="tf", signatures={"serving_default": serve})
"""


@pytest.fixture(scope="module")
def long_flights(tmp_path_factory) -> Path:
    """A folder with all that a request wants."""
    folder = tmp_path_factory.mktemp("precision")
    rows = {"miles": MILES, "late": [0, 1, 0, 1]}
    for split in ("train", "eval"):
        part = folder / f"examples/split={split}/part-00000-of-00001.parquet"
        part.parent.mkdir(parents=True)
        pq.write_table(pa.table(rows), part)
    (folder / "schema").mkdir()
    (folder / "schema/schema.pbtxt").write_text(SCHEMA)
    (folder / "module.py").write_text(MODULE)
    request = TransformRequest(
        examples=folder / "examples",
        schema=folder / "schema",
        module_file=str(folder / "module.py"),
    )
    transform(request, folder / "graph", folder / "transformed")
    return folder


def request(folder: Path, precision: str, **changes) -> TrainRequest:
    return TrainRequest(
        examples=folder / "examples",
        transformed_examples=folder / "transformed",
        schema=folder / "schema",
        transform_graph=folder / "graph",
        module_file=str(folder / "module.py"),
        train_steps=3,
        precision=precision,
        **changes,
    )


@pytest.mark.parametrize("library", ["tf.keras", "keras"])
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_an_exported_model_takes_and_gives_32_bits(long_flights, tmp_path, library, precision):
    keras = tf.keras if library == "tf.keras" else importlib.import_module("keras")
    with policy(precision):
        inputs = {"miles_xf": keras.Input((1,), name="miles_xf")}
        dense = keras.layers.Dense(1, kernel_initializer="ones", bias_initializer="ones")
        model = keras.Model(inputs, dense(inputs["miles_xf"]))
        export_model(
            model, tft.TFTransformOutput(str(long_flights / "graph")), str(tmp_path), "late"
        )
    assert model.weights[0].dtype == "float32"
    signature = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    (inputs,) = signature.structured_input_signature[1].values()
    outputs = signature(miles=tf.constant(MILES))["outputs"]
    assert inputs.dtype == outputs.dtype == tf.float32
    # The transform computed in 32 bits, the layer in the 11 or 8 of a mixed policy.
    bits = 2.0**-10 if precision == "mixed_float16" else 2.0**-7
    np.testing.assert_allclose(outputs[:, 0], np.log(MILES) + 1, rtol=2 * bits)


@pytest.mark.parametrize("signs_itself", [False, True])
def test_a_training_of_mixed_precision_serves_32_bits(long_flights, tmp_path, signs_itself):
    wanted = request(long_flights, "mixed_float16", custom_config={"signs_itself": signs_itself})
    trained = train(wanted, tmp_path / "model", tmp_path / "run")
    policies = (tmp_path / "run/policies.txt").read_text().split()
    assert policies[:2] == ["mixed_float16", "mixed_float16"] and policies[-1] == "float32"
    assert policies[2].startswith("LossScaleOptimizer")
    assert trained.device == "CPU"
    signature = tf.saved_model.load(str(tmp_path / "model/1")).signatures["serving_default"]
    assert signature.structured_outputs["outputs"].dtype == tf.float32
    assert tf.keras.mixed_precision.global_policy().name == "float32"


def test_without_a_word_both_keras_compute_in_32_bits(long_flights, tmp_path):
    train(request(long_flights, "float32"), tmp_path / "model", tmp_path / "run")
    policies = (tmp_path / "run/policies.txt").read_text().split()
    assert policies[:2] == ["float32", "float32"] and policies[-1] == "float32"


def test_another_precision_is_refused(long_flights, tmp_path):
    with pytest.raises(ParameterError, match="precision='float16': use one of float32, mixed_"):
        train(request(long_flights, "float16"), tmp_path / "model", tmp_path / "run")
