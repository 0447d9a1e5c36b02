"""Amounts of memory, in bytes and for a person. Pure."""

from kanaria.serving.inference_service.quantity import amount


def in_bytes(quantity: str) -> int | None:
    """Return a quantity of memory in bytes, or None when it is none."""
    size = amount(quantity)
    return None if size is None else int(size)


def shown(size: float) -> str:
    """Return a number of bytes for a person, for instance "1.5 GiB"."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB")
    power = 0
    while size >= 1024 and power < len(units) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.4g} {units[power]}"
