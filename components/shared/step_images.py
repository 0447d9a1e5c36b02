"""The images that steps run in; their tag is the version of this package."""

from importlib.metadata import version

VERSION = version("kanaria")
TRAINING_IMAGE = f"kanaria-training:{VERSION}"
TRAINING_GPU_IMAGE = TRAINING_IMAGE.replace(":", "-gpu:")
"""Holds what the training image holds, and what TensorFlow needs for GPUs; a user names it."""
CONTROL_IMAGE = f"kanaria-control:{VERSION}"
FEAST_IMAGE = f"kanaria-feast:{VERSION}"
