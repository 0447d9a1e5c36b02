"""Imports the work of predict_batch with no more of TensorFlow's parts than it uses."""

from kanaria.components.shared.imports import training

training.load("tensorflow")

from kanaria.components.predict.predict import predict  # noqa: E402  The library comes first.

__all__ = ["predict"]
