"""Images among a request's columns, pixels or files, become numbers a detector takes. Pure."""

import numpy as np

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift import image_features
from kanaria.serving.drift_watch import encoded_images
from kanaria.serving.protocol.json_columns import Array
from kanaria.serving.protocol.payload_columns import Columns

AXES = 3
"""Rows, height and width; channels may follow."""
LARGEST = 255


def reduced(columns: Columns) -> tuple[Columns, list[str]]:
    """Return the columns with those of `image_features.features` in the place of each image column.

    They have the input's name before theirs where there are several inputs of images. A column
    that only seems to hold images stays, and why is told; so is why one image of many cannot be
    read, which counts as missing.
    """
    images_of = {name for name, values in columns.items() if _may_be_images(values)}
    reduced_columns: Columns = {}
    said: list[str] = []
    for name, values in columns.items():
        if name not in images_of:
            reduced_columns[name] = values
            continue
        prefix = f"{name}." if len(images_of) > 1 else ""
        features, why = _features(values)
        if why:
            consequence = "has a missing image" if features else "is not looked at as images"
            said.append(f"input {name} {consequence}: {why}")
        reduced_columns |= {f"{prefix}{feature}": of for feature, of in features.items()} or {
            name: values
        }
    return reduced_columns, said


def _features(values: Array) -> tuple[Columns, str]:
    """Return the features of a column of images, none if it is not one, and what is wrong."""
    if encoded_images.holds(values):
        return encoded_images.features(values)
    try:
        return dict(image_features.features(_pixels(values))), ""
    except DataError as error:
        return {}, str(error)


def _may_be_images(values: Array) -> bool:
    pixels = values.ndim in (AXES, AXES + 1) and values.dtype.kind in "uif"
    return pixels or encoded_images.holds(values)


def _pixels(values: Array) -> Array:
    """Return whole numbers from 0 to 255 as the bytes they are; JSON has no type for those."""
    is_bytes = values.dtype.kind in "ui" and values.size and values.min() >= 0
    return values.astype(np.uint8) if is_bytes and values.max() <= LARGEST else values
