"""A user's module for several workers, which does to itself what a test asks in custom_config."""

import json
import os
import signal
from pathlib import Path

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils
from tfx_bsl.public import tfxio

from kanaria.components.train.checkpoints import Checkpoints

CONFIG = "TF_CONFIG"


def number() -> int:
    return json.loads(os.environ[CONFIG])["task"]["index"] if CONFIG in os.environ else 0


class Trouble(tf.keras.callbacks.Callback):
    """Fails in one worker while it trains: `once` or `always` killed, or raising."""

    def __init__(self, order, marks: Path):
        super().__init__()
        self.order, self.mark = order, marks / "killed"

    def on_batch_end(self, _batch, **_):
        if self.model.optimizer.iterations.numpy() != self.order["step"]:
            return
        if self.order["how"] == "raises":
            raise ValueError("no such thing")
        if self.order["how"] == "always" or not self.mark.exists():
            self.mark.touch()
            print("about to die", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)


def run_fn(fn_args: FnArgs):
    order = fn_args.custom_config
    several = CONFIG in os.environ and not order.get("alone")
    strategy = (
        tf.distribute.MultiWorkerMirroredStrategy() if several else tf.distribute.get_strategy()
    )
    schema = io_utils.parse_pbtxt_file(fn_args.schema_path, schema_pb2.Schema())
    options = tfxio.TensorFlowDatasetOptions(batch_size=16, label_key="late")
    rows = fn_args.data_accessor.tf_dataset_factory(fn_args.train_files, options, schema)
    rows = rows.map(lambda features, late: (features["distance"] / 3000.0, late))
    with strategy.scope():
        dense = tf.keras.layers.Dense
        model = tf.keras.Sequential([dense(8, "relu", input_shape=(1,)), dense(1, "sigmoid")])
        model.compile(tf.keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["AUC"])
        checkpoints = Checkpoints(model, fn_args)
    began = checkpoints.epoch  # It goes up with every epoch.
    callbacks = [checkpoints]
    if order.get("worker") == number():
        callbacks.append(Trouble(order, Path(fn_args.model_run_dir).parent))
    history = model.fit(
        checkpoints.remaining(rows),
        steps_per_epoch=5,
        epochs=fn_args.train_steps // 5,
        initial_epoch=checkpoints.epoch,
        callbacks=callbacks,
        verbose=2,
    )
    losses = json.dumps({"began": began, "losses": history.history["loss"]})
    Path(fn_args.serving_model_dir).parent.joinpath("losses.json").write_text(losses)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "distance")])
    def answer(distance):
        return {"outputs": model(tf.expand_dims(distance, 1))}

    tf.saved_model.save(model, fn_args.serving_model_dir, {"serving_default": answer})
