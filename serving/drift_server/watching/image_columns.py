"""Images among a request's columns become numbers a detector takes. Pure."""

import numpy as np

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift import images
from kanaria.serving.drift_server.columns import Array
from kanaria.serving.drift_server.payloads import Columns

AXES = 3
"""Rows, height and width; channels may follow."""
LARGEST = 255


def reduced(columns: Columns) -> tuple[Columns, list[str]]:
    """Return the columns with those of `images.features` in the place of each image column.

    They have the input's name before theirs where there are several inputs of images. A column
    that has an image's axes but not its shape or values stays, and why is told.
    """
    found = {name for name, values in columns.items() if _may_be_image(values)}
    kept: Columns = {}
    said: list[str] = []
    for name, values in columns.items():
        if name not in found:
            kept[name] = values
            continue
        prefix = f"{name}." if len(found) > 1 else ""
        try:
            features = images.features(_pixels(values))
        except DataError as error:
            kept[name] = values
            said.append(f"input {name} is not looked at as images: {error}")
            continue
        kept |= {f"{prefix}{feature}": column for feature, column in features.items()}
    return kept, said


def _may_be_image(values: Array) -> bool:
    return values.ndim in (AXES, AXES + 1) and values.dtype.kind in "uif"


def _pixels(values: Array) -> Array:
    """Return whole numbers from 0 to 255 as the bytes they are; JSON has no type for those."""
    is_bytes = values.dtype.kind in "ui" and values.size and values.min() >= 0
    return values.astype(np.uint8) if is_bytes and values.max() <= LARGEST else values
