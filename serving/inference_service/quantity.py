"""Amounts as Kubernetes writes them. Pure.

Source: Kubernetes 1.34, apimachinery/pkg/api/resource: a signed decimal, then a suffix of
powers of two (Ki), of ten (m, k), or an exponent (e3).
"""

import re
from decimal import Decimal

FORM = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,3})|([KMGTPE]i|[numkMGTPE])?)"
)
FACTORS = {
    **{unit: Decimal(1000) ** power for power, unit in zip((-3, -2, -1), "num", strict=True)},
    "": Decimal(1),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}


def amount(quantity: str) -> Decimal | None:
    """Return what a quantity amounts to, or None when it is none: `1.5Gi` is 1,610,612,736."""
    match = FORM.fullmatch(quantity)
    if match is None:
        return None
    number, exponent, unit = match.groups()
    factor = Decimal(10) ** int(exponent) if exponent else FACTORS[unit or ""]
    return Decimal(number) * factor


def is_amount(quantity: str) -> bool:
    """Tell whether a text is a quantity that is not negative."""
    value = amount(quantity)
    return value is not None and value >= 0
