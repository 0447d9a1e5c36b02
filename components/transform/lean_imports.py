"""Imports the work of transform_data with no more of TensorFlow, TFT and Beam than it uses."""

from kanaria.components.shared.imports import training

training.load("tensorflow", "tensorflow_transform", "apache_beam")

from kanaria.components.transform.transform import (  # noqa: E402  The libraries come first.
    TransformRequest,
    run,
)

__all__ = ["TransformRequest", "run"]
