"""Images as columns of numbers, so that a camera going dark, blind or out of focus is found.

    column       of one image                          falls or rises when
    ----------   -----------------------------------   ----------------------------------
    brightness   mean of its pixels                    light or exposure changes
    contrast     standard deviation of its pixels      fog, a covered lens, a blank image
    blur         variance of its Laplacian             focus or motion (a sharp image's is high)
    saturated    share of pixels at the top            too much light
    dark         share of pixels at the bottom         too little, dead pixels

The columns go to any detector; `table` gives a verdict for each. Pixels are taken from 0 to 1.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift.detector import Columns, Floats
from kanaria.serving.drift.table_columns import from_matrix

LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in brightness (ITU-R BT.601)."""
NAMES = ("brightness", "contrast", "blur", "saturated", "dark")
"""Of the columns."""
EDGE = 1 / 255
"""A pixel this near to 0 or 1 is at the bottom or the top: one step of 8 bits."""


def features(images: ArrayLike) -> Columns:
    """Return brightness, contrast, blur, saturated and dark of each image.

    Args:
        images: of shape (rows, height, width) or (rows, height, width, channels) with 1 channel or
            3, or 4 with an opacity that is left out; unsigned bytes, or floats from 0 to 1.

    Raises:
        DataError: they have another shape or type, or other values.
    """
    pixels = _grey(_checked(np.asarray(images)))
    flat = pixels.reshape(len(pixels), -1)
    columns = (
        flat.mean(axis=1),
        flat.std(axis=1),
        _laplacian(pixels).reshape(len(pixels), -1).var(axis=1),
        (flat >= 1 - EDGE).mean(axis=1),
        (flat <= EDGE).mean(axis=1),
    )
    return dict(zip(NAMES, columns, strict=True))


def embeddings(images: ArrayLike, embed: Callable[[NDArray[np.generic]], ArrayLike]) -> Columns:
    """Return what `embed` makes of the images, each of its numbers as a column.

    Args:
        images: as `embed` takes them, one a row.
        embed: gives a matrix of numbers with as many rows, such as a model without its last layer.

    Raises:
        DataError: it gives another number of rows.
    """
    pixels = np.asarray(images)
    vectors = np.asarray(embed(pixels))
    if vectors.ndim == 0 or len(vectors) != len(pixels):
        raise DataError(f"embed: shape {vectors.shape} for {len(pixels)} images; return a row each")
    columns = from_matrix(vectors)
    return {f"embedding_{name}": column for name, column in columns.items()}


def _checked(images: NDArray[np.generic]) -> Floats:
    """Return the images with channels, as floats from 0 to 1."""
    shape = images.shape
    is_image_shape = images.ndim == 3 or (images.ndim == 4 and shape[3] in (1, 3, 4))
    if not is_image_shape or 0 in shape:
        raise DataError(
            f"images: shape {shape}; give (rows, height, width) or (rows, height, width, channels) "
            "with 1, 3 or 4 channels"
        )
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise DataError(f"images: {images.dtype} pixels; give unsigned bytes or floats from 0 to 1")
    scale = 255 if images.dtype == np.uint8 else 1
    pixels = images.astype(np.float64) / scale
    if not ((pixels >= 0) & (pixels <= 1)).all():
        ends = (float(pixels.min()), float(pixels.max()))
        raise DataError(f"images: pixels from {shown(ends)}; give floats from 0 to 1, none missing")
    return pixels if images.ndim == 4 else pixels[..., None]


def _grey(pixels: Floats) -> Floats:
    if pixels.shape[3] == 1:
        return pixels[..., 0]
    return pixels[..., :3] @ np.array(LUMINANCE)


def _laplacian(pixels: Floats) -> Floats:
    """Return of each pixel the sum of its four neighbours, less four times itself.

    At the edges the outermost pixels are taken as going on.
    """
    wide = np.pad(pixels, ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = wide[:, 1:-1, :-2] + wide[:, 1:-1, 2:]
    return across + wide[:, :-2, 1:-1] + wide[:, 2:, 1:-1] - 4 * pixels
