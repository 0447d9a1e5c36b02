"""Images that are sent as files, JPEG or PNG, as bytes or as base64 text, become their features."""

import base64
import io
import math

import numpy as np
from PIL import Image, UnidentifiedImageError

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift import image_features
from kanaria.serving.protocol.json_columns import Array
from kanaria.serving.protocol.payload_columns import Columns

FORMATS = ("JPEG", "PNG")
STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
TEXT_STARTS = ("/9j/", "iVBORw0KGgo")
"""The same in base64."""
MOST_PIXELS = 3840 * 2160
"""Of one image, a frame of 4K video: its features take 40 bytes a pixel for a moment."""
GREY_TYPES = {"1": "L", "L": "L", "LA": "L"}
"""Pillow's types of images that one channel of bytes holds."""
DEEP = ("I", "I;16")
"""Those of 16 bits, of which PNG has grey ones."""
DAMAGED = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError)
"""What Pillow raises of files that are damaged, or that pretend to be huge."""


def holds(values: Array) -> bool:
    """Tell whether a column holds images as files: its first value that is there begins as one."""
    if values.ndim != 1 or values.dtype.kind != "O":
        return False
    return _file(next((value for value in values if value is not None), None)) is not None


def features(values: Array) -> tuple[Columns, str]:
    """Return the columns of `image_features.features`, and what is wrong with unreadable ones.

    Args:
        values: a column that holds images as files, of shape (rows,); they need not be of one size.

    Returns:
        The columns, of shape (rows,), NaN where an image cannot be read or is not there; and why
        the first of those cannot be, "" if all can.
    """
    numbers, why = np.full((len(values), len(image_features.NAMES)), np.nan), ""
    for row, value in enumerate(values):
        if value is None:
            continue
        try:
            of_image = image_features.features(pixels(value)[None])
        except DataError as error:
            why = why or str(error)
            continue
        numbers[row] = [of_image[name][0] for name in image_features.NAMES]
    return dict(zip(image_features.NAMES, numbers.T, strict=True)), why


def pixels(value: object) -> Array:
    """Return an image's pixels: bytes, or numbers from 0 to 1 where it has 16 bits.

    Args:
        value: the file, as bytes or as base64 text.

    Returns:
        Of shape (height, width) where it is grey, else (height, width, 3).

    Raises:
        DataError: it is no image of `FORMATS`, is damaged, or has more than `MOST_PIXELS`.
    """
    file = _file(value)
    if file is None:
        raise DataError(f"{shown(value)}: no image; send {' or '.join(FORMATS)}")
    try:
        with Image.open(io.BytesIO(file), formats=FORMATS) as image:
            if math.prod(image.size) > MOST_PIXELS:
                raise DataError(f"image of {image.size} pixels: send at most {MOST_PIXELS:,}")
            if image.mode in DEEP:
                return np.asarray(image) / 65535
            return np.asarray(image.convert(GREY_TYPES.get(image.mode, "RGB")))
    except DAMAGED as error:
        raise DataError(f"image that cannot be read: {error}") from error


def _file(value: object) -> bytes | None:
    """Return the file that a value is, if it begins as one of `FORMATS` does."""
    if isinstance(value, str) and value.startswith(TEXT_STARTS):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:  # Text that only begins alike.
            return None
    return value if isinstance(value, bytes) and value.startswith(STARTS) else None
