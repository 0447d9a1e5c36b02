"""The two images that steps run in; their tag is the version of this package."""

from importlib.metadata import version

VERSION = version("kanaria")
TRAINING_IMAGE = f"kanaria-training:{VERSION}"
CONTROL_IMAGE = f"kanaria-control:{VERSION}"
