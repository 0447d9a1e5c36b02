"""Imports the work of transform_data with no more of TensorFlow's and TFT's parts than it uses."""

from kanaria.components.shared.imports import training

training.load("tensorflow", "tensorflow_transform")

from kanaria.components.transform.transform import (  # noqa: E402  The libraries come first.
    TransformRequest,
    run,
)

__all__ = ["TransformRequest", "run"]
