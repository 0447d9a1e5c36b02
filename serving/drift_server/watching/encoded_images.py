"""Images that are sent as files, JPEG or PNG, as bytes or as base64 text, become their features."""

import base64
import binascii
import io
import math

import numpy as np
from PIL import Image, UnidentifiedImageError

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift import images
from kanaria.serving.drift_server.columns import Array
from kanaria.serving.drift_server.payloads import Columns

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


def holds(values: Array) -> bool:
    """Tell whether a column holds images as files: its first value that is there begins as one."""
    if values.ndim != 1 or values.dtype.kind != "O":
        return False
    first = next((value for value in values if value is not None), None)
    if isinstance(first, bytes):
        return first.startswith(STARTS)
    return isinstance(first, str) and first.startswith(TEXT_STARTS)


def features(values: Array) -> tuple[Columns, str]:
    """Return the columns of `images.features`, and what is wrong with those that cannot be read.

    Args:
        values: a column that holds images as files; they need not be of one size.

    Returns:
        The columns, NaN where an image cannot be read or is not there; and why the first of those
        cannot be, "" if all can.
    """
    found, why = list[dict[str, float]](), ""
    for value in values:
        try:
            found.append(_features(value))
        except DataError as error:
            found.append({})
            why = why or str(error)
    names = next((list(row) for row in found if row), [])
    return {n: np.array([row.get(n, math.nan) for row in found]) for n in names}, why


def _features(value: bytes | str | None) -> dict[str, float]:
    if value is None:
        return {}
    return {name: float(of[0]) for name, of in images.features(pixels(value)[None]).items()}


def pixels(value: bytes | str) -> Array:
    """Return an image's pixels, of shape (height, width) or (height, width, 3).

    Raises:
        DataError: it is no image of `FORMATS`, is cut off, or has more than `MOST_PIXELS`.
    """
    try:
        file = io.BytesIO(
            base64.b64decode(value, validate=True) if isinstance(value, str) else value
        )
        with Image.open(file, formats=FORMATS) as image:
            if math.prod(image.size) > MOST_PIXELS:
                raise DataError(f"image of {image.size} pixels: send at most {MOST_PIXELS:,}")
            if image.mode in DEEP:
                return np.asarray(image) / 65535
            return np.asarray(image.convert(GREY_TYPES.get(image.mode, "RGB")))
    except (binascii.Error, UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"image that cannot be read: {error}") from error
