"""A Keras callback with which a killed training ends with the weights of an undisturbed one.

    checkpoints = Checkpoints(model, fn_args)
    model.fit(
        checkpoints.remaining(dataset),
        steps_per_epoch=100,
        epochs=fn_args.train_steps // 100,
        initial_epoch=checkpoints.epoch,
        callbacks=[checkpoints],
    )

A checkpoint is written after every epoch, so choose `steps_per_epoch` by what may be lost. It
holds weights, optimizer and the number of batches consumed. The state of TensorFlow's random
operations (dropout, for instance) lies inside compiled functions and cannot be saved; so every
epoch, resumed or not, begins with generators seeded from the seed and the epoch's number, and
with a training function traced anew: about a third of a second for a small model.
"""

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform  # noqa: F401  It decides what tf.keras means.

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import UserCodeError
from kanaria.components.shared.tfx_names import FnArgs
from kanaria.components.train import checkpoint_files, model_run, worker_cluster
from kanaria.components.train.checkpoint_files import MANIFEST, STATE, Position

logger = logging.getLogger(__name__)

MOST_CHECKPOINTS = 2
"""The newest and the one before it, in case the newest is damaged."""


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of an epoch, 0 to 2**32 - 1; epochs and seeds give unrelated ones."""
    return int(fingerprint.of_text(str(seed), str(epoch))[:8], 16)


class Checkpoints(tf.keras.callbacks.Callback):
    """Checkpoints a `fit` after every epoch and resumes it; give it last among the callbacks.

    Attributes:
        epoch: epochs done; pass it as `initial_epoch`.
    """

    def __init__(self, model: Any, fn_args: FnArgs) -> None:
        """Restore `model` from the newest checkpoint of this very training, if there is one.

        Args:
            model: compiled `tf.keras.Model`, made the same way each time.
            fn_args: what run_fn was called with.

        Raises:
            UserCodeError: the model is not compiled, does not fit the checkpoint, or is trained
                alone by each of several workers, which would write over one another's files.
        """
        super().__init__()
        if getattr(model, "optimizer", None) is None:
            raise UserCodeError("Checkpoints: the model is not compiled; call model.compile first")
        worker_cluster.check_joined(os.environ, "Checkpoints")
        self._run = model_run.of(fn_args.model_run_dir)
        # Of several workers one keeps the files; it is alone where there is no strategy.
        self._is_chief = model.distribute_strategy.extended.should_checkpoint
        if model.built and hasattr(model.optimizer, "build"):
            # Also where nothing is restored, so that objects are made in one order.
            model.optimizer.build(model.trainable_variables)
        self._state = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
        self._positions = checkpoint_files.usable(self._run.checkpoints, self._run.key)
        self._batches = 0
        self._skips = False
        self.epoch = 0
        self._remove_others()
        if self._positions:
            self._restore(*list(self._positions.items())[-1])

    def _restore(self, checkpoint: Path, position: Position) -> None:
        try:
            status = self._state.read(str(checkpoint / STATE))
            status.assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise UserCodeError(
                f"{checkpoint}: does not fit the model that run_fn made; build it the same way "
                "each time, or remove the folder to train from the start"
            ) from error
        self.epoch, self._batches = position.epoch, position.batches
        logger.warning("Resumed after epoch %d from %s.", position.epoch, checkpoint)

    def remaining(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Return the training batches without those consumed before the checkpoint.

        Args:
            dataset: batches without end, in an order that the seed decides.

        Raises:
            UserCodeError: the dataset ends, so its epochs cannot be counted in batches.
        """
        count = dataset.cardinality()
        if count not in (tf.data.INFINITE_CARDINALITY, tf.data.UNKNOWN_CARDINALITY):
            raise UserCodeError(
                f"Checkpoints.remaining: the dataset ends after {int(count)} batches; repeat it "
                "without end and give fit steps_per_epoch and epochs"
            )
        self._skips = True
        return dataset.skip(self._batches) if self._batches else dataset

    def on_train_begin(self, _logs: Any = None) -> None:
        """Refuse a fit that could not be resumed, the first time and not after a crash."""
        if not self._skips:
            raise UserCodeError("Checkpoints: fit reads a dataset not from Checkpoints.remaining")
        if not self.params.get("steps"):
            raise UserCodeError("Checkpoints: give fit steps_per_epoch; a checkpoint follows each")

    def on_epoch_begin(self, epoch: int, _logs: Any = None) -> None:
        """Begin the epoch with random states that follow from its number alone."""
        if epoch != self.epoch:
            raise UserCodeError(
                f"Checkpoints: fit begins at epoch {epoch}, the checkpoint at {self.epoch}; "
                "pass initial_epoch=checkpoints.epoch"
            )
        tf.keras.utils.set_random_seed(epoch_seed(self._run.seed, epoch))
        self.model.make_train_function(force=True)

    def on_epoch_end(self, epoch: int, _logs: Any = None) -> None:
        """Write a checkpoint, publish it, and keep the last two."""
        self.epoch, self._batches = epoch + 1, self._batches + self.params["steps"]
        if not self._is_chief:
            # Workers sum up metrics to write them, so all must take part.
            with tempfile.TemporaryDirectory(prefix="kanaria-") as scratch:
                self._state.write(str(Path(scratch, STATE)))
            return
        position = Position(key=self._run.key, epoch=self.epoch, batches=self._batches)
        checkpoint = checkpoint_files.write(
            self._run.checkpoints, position, lambda path: self._state.write(str(path))
        )
        self._run.publish_checkpoint(checkpoint, MANIFEST)
        self._positions = dict(
            [*self._positions.items(), (checkpoint, position)][-MOST_CHECKPOINTS:]
        )
        self._remove_others()

    def _remove_others(self) -> None:
        """Remove what is not kept: older checkpoints, damaged and foreign ones, cut ones."""
        if self._is_chief and self._run.checkpoints.is_dir():
            names = {path.name for path in self._run.checkpoints.iterdir()}
            for name in sorted(names - {path.name for path in self._positions}):
                self._run.remove_checkpoint(name)
