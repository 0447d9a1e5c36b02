"""Amounts of memory as Kubernetes writes them. Pure.

Source: Kubernetes API reference, "Quantity".
"""

import re
from decimal import Decimal

FORM = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,2})|([KMGTPE]i|[mkMGTPE])?)")
FACTORS = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}


def in_bytes(quantity: str) -> int | None:
    """Return a quantity of memory in bytes, or None when it is none."""
    found = FORM.fullmatch(quantity.strip())
    if found is None:
        return None
    number, exponent, unit = found.groups()
    factor = Decimal(10) ** int(exponent) if exponent else FACTORS[unit or ""]
    return int(Decimal(number) * factor)


def shown(size: float) -> str:
    """Return a number of bytes for a person, for instance "1.5 GiB"."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB")
    power = 0
    while size >= 1024 and power < len(units) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.4g} {units[power]}"
