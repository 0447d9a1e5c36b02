# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Bring your own model
#
# You write a module with `preprocessing_fn` and `run_fn`, as for TFX, and a TFMA EvalConfig that
# says what a model must reach. The pipeline is that of the first notebook, here and on a cluster.
#
# The data: 442 patients with diabetes, ten measurements of each, and how far the disease had gone
# a year later, from 25 to 346. It comes with scikit-learn.

# %%
from pathlib import Path

from sklearn.datasets import load_diabetes

folder = Path("diabetes")
folder.mkdir(exist_ok=True)
patients = load_diabetes(as_frame=True, scaled=False).frame
patients["sex"] = patients["sex"].map({1.0: "one", 2.0: "two"})
patients.to_csv(folder / "patients.csv", index=False)
patients.head()

# %% [markdown]
# ## The module
#
# `preprocessing_fn` becomes a graph that training and serving share. `run_fn` trains and exports;
# the cell writes the file that the pipeline takes.

# %%
# %%writefile diabetes/module.py
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.public import tfxio

from kanaria.components.train.export import export_model

LABEL = "target"
NUMBERS = ["age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


def _dense(values):
    """Return shape (rows,), also where the column may have gaps."""
    if isinstance(values, tf.SparseTensor):
        values = tf.sparse.to_dense(tf.sparse.reset_shape(values, [tf.shape(values)[0], 1]))
    return tf.squeeze(values, axis=1)


def preprocessing_fn(inputs):
    outputs = {name: tft.scale_to_z_score(_dense(inputs[name])) for name in NUMBERS}
    sex = tft.compute_and_apply_vocabulary(_dense(inputs["sex"]), num_oov_buckets=1)
    outputs["sex"] = tf.cast(sex, tf.float32)
    outputs[LABEL] = _dense(inputs[LABEL])
    return outputs


def run_fn(fn_args):
    transform = tft.TFTransformOutput(fn_args.transform_output)

    def batches(files):
        options = tfxio.TensorFlowDatasetOptions(batch_size=32, label_key=LABEL)
        schema = transform.transformed_metadata.schema
        return fn_args.data_accessor.tf_dataset_factory(files, options, schema)

    inputs = {name: tf.keras.Input(shape=(1,), name=name) for name in [*NUMBERS, "sex"]}
    hidden = tf.keras.layers.concatenate(list(inputs.values()))
    hidden = tf.keras.layers.Dense(fn_args.hyperparameters["units"], activation="relu")(hidden)
    # The output begins at the mean of the labels, so that training learns the differences.
    output = tf.keras.layers.Dense(1, bias_initializer=tf.keras.initializers.Constant(150.0))
    model = tf.keras.Model(inputs, output(hidden))
    model.compile(tf.keras.optimizers.Adam(3e-2), "mse")
    model.fit(batches(fn_args.train_files), steps_per_epoch=fn_args.train_steps, verbose=2)
    export_model(model, transform, fn_args.serving_model_dir, label_keys=[LABEL])


# %% [markdown]
# ## What a model must reach
#
# On average it may be wrong by 60 at most, for each sex too, and by no more than 5 % more than the
# model that is live. Of the same patients' mean, everyone would be wrong by 66.

# %%
eval_config = """
model_specs { label_key: "target" }
slicing_specs {}
slicing_specs { feature_keys: "sex" }
metrics_specs {
  metrics { class_name: "ExampleCount" }
  metrics { class_name: "MeanPrediction" }
  metrics {
    class_name: "MeanAbsoluteError"
    threshold {
      value_threshold { upper_bound { value: 60 } }
      change_threshold { direction: LOWER_IS_BETTER relative { value: 0.05 } }
    }
    per_slice_thresholds {
      slicing_specs { feature_keys: "sex" }
      threshold { value_threshold { upper_bound { value: 60 } } }
    }
  }
}
"""
_ = (folder / "eval_config.pbtxt").write_text(eval_config)

# %%
from kanaria.pipelines.local.launch import launch
from kanaria.pipelines.local.machine_folders import Root

root = Root(path=Path(".kanaria/diabetes").resolve())
values = {
    "data": str(folder / "patients.csv"),
    "module_file": str(folder / "module.py"),
    "eval_config_file": str(folder / "eval_config.pbtxt"),
    "service": {"name": "diabetes"},
    "train_steps": 300,
    "hyperparameters": {"units": 16},
}
record, _ = launch("train_and_deploy", values=values, root=root)
record.state

# %% [markdown]
# What `evaluate_model` found on the patients that were kept back; its report, and that of
# `bless_model`, have each sex too:

# %%
evaluation = next(task for task in record.tasks if task.name == "evaluate-model")
evaluation.metadata["metrics"]

# %% [markdown]
# ## Ask it
#
# All patients at once, as columns. The model answers measurements as they are: scaling is a part
# of it.

# %%
import httpx

from kanaria.serving.local.background_server import served

columns = patients.drop(columns="target").to_dict(orient="list")
with served(root.serving) as url:
    answer = httpx.post(f"{url}/v1/models/diabetes:predict", json={"inputs": columns}, timeout=60)
predicted = [row[0] for row in answer.raise_for_status().json()["outputs"]]

# %%
import matplotlib.pyplot as plt

plt.figure(figsize=(6, 4))
plt.scatter(patients["target"], predicted, s=12)
plt.axline((25, 25), (346, 346), color="grey", linewidth=1)
plt.xlabel("progression after a year")
plt.ylabel("predicted")
plt.show()

# %% [markdown]
# Change the module and run the notebook again: only the steps that take it run anew. Set
# the service's name to one of yours, and `kanaria submit` sends the same files to a cluster, as the
# second notebook shows.
