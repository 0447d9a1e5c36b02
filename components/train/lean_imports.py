"""Imports the work of train_model with no more of TensorFlow's and TFT's parts than it uses."""

from kanaria.components.shared.imports import training

training.load("tensorflow", "tensorflow_transform", "apache_beam")

from kanaria.components.train.train import train  # noqa: E402  The libraries come first.

__all__ = ["train"]
