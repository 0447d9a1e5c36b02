"""Imports the work of explain_model with no more of TensorFlow's parts than it uses, then SHAP."""

from kanaria.components.shared.imports import training

training.load("tensorflow")

from kanaria.components.explain.explain import explain  # noqa: E402  The library comes first.

__all__ = ["explain"]
