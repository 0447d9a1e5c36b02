"""Artifact metadata that KFP accepts: plain JSON, no None, no NaN, no infinity."""

import math
from typing import Any


def plain(value: Any) -> Any:
    """Return `value` as plain JSON data.

    Numpy scalars become Python numbers; NaN and infinities become their names as text;
    entries that are None are left out of dictionaries and lists. KFP's launcher refuses
    the originals and fails the whole task.
    """
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value if v is not None]
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
