"""Images built for real, by `make images`; `make test-images` runs these tests.

An engine that answers is used; else, as root, a dockerd in a temporary folder. BASE_IMAGE names a
base; else, as root, one is made by debootstrap and kept under build/. Images and containers made
here are removed; Debian needs the packages docker.io and debootstrap.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from container_engine import ROOT, Engine, engine, make_images

ARCHIVE = ROOT / "build/images/bookworm.tar"
BASE = "kanaria-test/base:bookworm"
PREFIX = "kanaria-test"


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    with engine() as docker_engine:
        yield docker_engine


@pytest.fixture(scope="session")
def base(docker: Engine) -> Iterator[str]:
    if named := os.environ.get("BASE_IMAGE"):
        yield named
        return
    if not ARCHIVE.exists():
        make = Path(__file__).with_name("make_base.py")
        subprocess.run([sys.executable, make, ARCHIVE], check=True)
    docker("import", ARCHIVE, BASE)
    yield BASE
    docker("image", "rm", BASE)


@pytest.fixture(scope="session")
def images(docker: Engine, base: str) -> Iterator[dict[str, str]]:
    """The images by the name of their runtime."""
    tags = make_images(ROOT, docker, base, PREFIX)
    yield dict(zip(("training", "control"), tags, strict=True))
    docker("image", "rm", "--force", *tags)
