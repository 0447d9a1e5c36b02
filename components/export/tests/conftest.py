"""Small SavedModels and examples, and what becomes of them when they are exported."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.export.converter_process import export_apart
from kanaria.components.export.lean_imports import export  # TensorFlow as the step loads it.
from kanaria.components.export.request import Exported, Request, Targets

import tensorflow as tf  # isort: skip

Columns = Mapping[str, Sequence[object]]


def write_examples(folder: Path, **splits: Columns) -> Path:
    """Write an examples artifact: split name -> column -> values."""
    for split, columns in splits.items():
        (folder / f"split={split}").mkdir(parents=True)
        pq.write_table(pa.table(dict(columns)), folder / f"split={split}" / "part-0.parquet")
    return folder


def save(
    folder: Path, function: Any, holds: Mapping[str, Any], name: str = "serving_default"
) -> Path:
    """Save a function with what it computes with as a model artifact, under one signature."""
    module = tf.Module()
    for attribute, value in {"function": function, **holds}.items():
        setattr(module, attribute, value)
    tf.saved_model.save(module, str(folder / "1"), signatures={name: function})
    return folder


@dataclass(frozen=True)
class World:
    """A folder of a test, with one model and its examples at a time."""

    home: Path

    def model(self, function: Any, name: str = "serving_default", **holds: Any) -> None:
        """Save the model that is exported; `holds` is what it computes with."""
        save(self.home / "model", function, holds, name)

    def examples(self, **splits: Columns) -> None:
        """Write the examples."""
        write_examples(self.home / "examples", **splits)

    def export(self, apart: bool = False, **changes: Any) -> Exported:
        """Do the step's work, here or in a process of its own as the step does."""
        places = {"model": self.home / "model", "examples": self.home / "examples"}
        request = Request(**(places | changes))
        names = ("tflite_model", "outcome", "report")
        targets = Targets(**{name: self.home / name for name in names})
        return export_apart(request, targets) if apart else export(request, targets)

    def column(self, name: str, split: str = "eval") -> Any:
        """Return a column of the examples, read without this step's code."""
        table = pq.read_table(self.home / "examples" / f"split={split}" / "part-0.parquet")
        return np.stack(table.column(name).to_numpy())

    @property
    def file(self) -> Path:
        """The file that was written."""
        return self.home / "tflite_model" / "model.tflite"

    def lite(self, name: str = "serving_default", **arrays: Any) -> dict[str, Any]:
        """Return what TensorFlow's own interpreter answers, without this step's code."""
        interpreter = tf.lite.Interpreter(model_path=str(self.file))
        return dict(interpreter.get_signature_runner(name)(**arrays))

    def saved(self, name: str = "serving_default", **arrays: Any) -> dict[str, Any]:
        """Return what the SavedModel answers."""
        loaded = tf.saved_model.load(str(self.home / "model" / "1"))
        answers = loaded.signatures[name](**{k: tf.constant(v) for k, v in arrays.items()})
        return {output: value.numpy() for output, value in answers.items()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def dense(world: World) -> Callable[..., World]:
    """Make a world with a model of `width` by `width` weights, softmax behind, and 60 eval rows."""

    def make(width: int = 64, spread: float = 1.0) -> World:
        draw = np.random.default_rng(0)
        weights = tf.Variable(draw.normal(size=(width, width), scale=0.1).astype(np.float32))

        @tf.function(input_signature=[tf.TensorSpec([None, width], tf.float32, "x")])
        def classify(x: Any) -> dict[str, Any]:
            return {"probabilities": tf.nn.softmax(x @ weights)}

        world.model(classify, weights=weights)
        rows = {"eval": 60, "train": 300}
        scale = {"eval": 1.0, "train": spread}
        world.examples(
            **{
                split: {"x": list(draw.normal(size=(n, width), scale=scale[split]).astype("f4"))}
                for split, n in rows.items()
            }
        )
        return world

    return make
