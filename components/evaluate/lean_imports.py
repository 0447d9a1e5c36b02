"""Imports the work of evaluate_model with no more of TensorFlow's and TFMA's parts than it uses."""

from kanaria.components.shared.imports import training

training.load()

from kanaria.components.evaluate.evaluate import (  # noqa: E402  The libraries come first.
    Request,
    run,
)
from kanaria.components.evaluate.measure_models import Inputs, measure  # noqa: E402

__all__ = ["Inputs", "Request", "measure", "run"]
