"""Amounts of CPU and memory as kfp takes them, which is less than Kubernetes does. Pure.

kfp's `set_cpu_request` knows no exponents, its `set_memory_request` neither fractions nor "k": what
Kubernetes would read, and kfp would refuse, is written out here.
"""

import re
from decimal import Decimal

from kanaria.serving.inference_service.quantity import amount

CPU = re.compile(r"([0-9]*[.])?[0-9]+m?")
MEMORY = re.compile(r"[0-9]+([EPTGM]i?|Ki)?")
MOST_CPU = 10_000
LEAST_MEMORY, MOST_MEMORY = 4 << 20, 1 << 60
"""Bytes; a container starts with no less, and kfp's fields hold no more."""
MIB = 1 << 20


def _amount(quantity: str) -> Decimal:
    number = amount(quantity)
    if number is None:
        raise ValueError("write a Kubernetes quantity such as 500m or 4Gi")
    return number


def cpu(quantity: str) -> str:
    """Return an amount of CPU in kfp's words.

    Raises:
        ValueError: it is none, or none that a container can have.
    """
    cpus = _amount(quantity)
    if not 0 < cpus <= MOST_CPU:
        raise ValueError(f"use more than 0, and {MOST_CPU} CPUs at most")
    if cpus * 1000 % 1:
        raise ValueError("use whole thousandths of a CPU, as 250m")
    return quantity if CPU.fullmatch(quantity) else f"{int(cpus * 1000)}m"


def memory(quantity: str) -> str:
    """Return an amount of memory in kfp's words.

    Raises:
        ValueError: it is none, or none that a container can have.
    """
    size = _amount(quantity)
    if not LEAST_MEMORY <= size <= MOST_MEMORY:
        raise ValueError(f"it is {_bytes(size)}; use 4Mi to 1Ei, as 512Mi or 4Gi")
    if size % 1:
        raise ValueError("use whole bytes, as 512Mi or 4Gi")
    if MEMORY.fullmatch(quantity):
        return quantity
    return f"{int(size) // MIB}Mi" if size % MIB == 0 else str(int(size))


def _bytes(size: Decimal) -> str:
    return (
        f"{size.normalize():f} bytes"
        if abs(size) < MOST_MEMORY and size % 1 == 0
        else ("less than a byte" if abs(size) < 1 else f"{size:.3g} bytes")
    )
