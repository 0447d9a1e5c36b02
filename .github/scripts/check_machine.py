"""Tells, before anything is downloaded, what this machine lacks to install Kanaria; exits with 1.

It runs on whatever Python 3 the machine has, so it uses the standard library alone and no syntax
that is newer than Python 3.6: annotations that older ones cannot read are quoted.
"""

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 8)  # Of uv's package; the runtimes' own Python 3.11 is found or brought by uv.
OLDEST_GLIBC = (2, 28)  # Of the newest platform tag among the wheels in uv.lock.
NEEDED_GB = 8
REMEDY = "Debian and Ubuntu: sudo apt-get install git make python3-venv"


def platform_fault(system: str, machine: str) -> "str | None":
    """Return what is wrong with the operating system or the processor, None if nothing is."""
    if (system, machine) == ("linux", "x86_64"):
        return None
    return f"this is {system} on {machine}; Kanaria's packages are locked for Linux x86-64"


def glibc_fault(library: "tuple[str, str]") -> "str | None":
    """Return what is wrong with the C library, given as its name and version."""
    name, version = library
    if name != "glibc":
        return "the C library is not glibc (Alpine has musl); TensorFlow has no wheel for it"
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_GLIBC:
        return None
    oldest = ".".join(map(str, OLDEST_GLIBC))
    return f"glibc is {version}; {oldest} or newer is needed (Debian 10, Ubuntu 20.04 and later)"


def python_fault(version: "tuple[int, ...]", has_venv: bool) -> "str | None":
    """Return why this Python cannot install uv; any version from 3.8 can."""
    here = f"Python {version[0]}.{version[1]} ({sys.executable})"
    if version[:2] < OLDEST_PYTHON:
        return f"{here} is too old; name a newer one: make PYTHON=/path/to/python3 install"
    return None if has_venv else f"{here} has no venv; {REMEDY}"


def disk_fault(place: Path, free_gb: float) -> "str | None":
    """Return that there is too little room at `place`."""
    if free_gb >= NEEDED_GB:
        return None
    return f"{place} has {free_gb:.1f} GB free; {NEEDED_GB} GB are needed"


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def places(environments: Path) -> "list[Path]":
    """Return a folder on each disk that is written to: the environments' and uv's cache's."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    wanted = [environments, Path(os.environ.get("UV_CACHE_DIR") or str(Path(cache) / "uv"))]
    return list({path.stat().st_dev: path for path in map(_existing, wanted)}.values())


def faults(environments: Path) -> "list[str]":
    """Return all that this machine lacks to install the runtimes below `environments`."""
    has_venv = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    shortcomings = [
        platform_fault(sys.platform, platform.machine()),
        glibc_fault(platform.libc_ver()) if sys.platform == "linux" else None,
        python_fault(sys.version_info[:2], has_venv),
        None if shutil.which("git") else f"git is missing; {REMEDY}",
    ]
    if not (environments / "training").exists():  # Else most of it is there already.
        shortcomings += [
            disk_fault(p, shutil.disk_usage(str(p)).free / 1e9) for p in places(environments)
        ]
    return [fault for fault in shortcomings if fault]


if __name__ == "__main__":
    shortfalls = faults(Path(__file__).resolve().parents[2] / ".venv")
    for fault in shortfalls:
        sys.stderr.write(f"error: {fault}\n")
    sys.exit(bool(shortfalls))
