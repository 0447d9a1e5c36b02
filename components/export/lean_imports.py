"""Imports the work of export_lite with no more of TensorFlow's parts than it uses."""

from kanaria.components.shared.imports import training

training.load("tensorflow")

from kanaria.components.export.export import export  # noqa: E402  The library comes first.

__all__ = ["export"]
