"""The training image with a user's own packages: one more layer, under the name a config gives."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from container_engine import ROOT, Engine, make

from kanaria.pipelines import requirements

PREFIX = "kanaria-test"
VERSION = "from importlib.metadata import version; print(version('{}'))"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "requirements.txt"
    # The first is in no image of ours, the second in the lock of the training image.
    path.write_text("sortedcontainers\nnumpy\n")
    return path


@pytest.fixture(scope="module")
def image(
    docker: Engine,
    base: str,
    images: dict[str, str],  # noqa: ARG001 - built first: the image stands on one of them.
    listed: Path,
) -> Iterator[str]:
    made = make("image-with", ROOT, docker, base, PREFIX, f"REQUIREMENTS={listed}")[-1]
    yield made.split()[0]
    docker("image", "rm", "--force", made.split()[0])


def test_its_name_is_the_one_that_a_config_with_the_list_gives(image: str, listed: Path):
    assert image == f"{PREFIX}/{requirements.image(listed)}"


def test_one_layer_lies_on_the_training_image(docker: Engine, image: str, images: dict[str, str]):
    training = docker.layers(images["training"])
    assert docker.layers(image)[:-1] == training


def test_its_packages_are_there_and_those_of_the_lock_unchanged(
    docker: Engine, image: str, images: dict[str, str]
):
    def held(image: str, name: str) -> str:
        return docker.in_container(image, "python3", "-I", "-c", VERSION.format(name))

    assert held(image, "sortedcontainers") == version("sortedcontainers")
    assert held(image, "numpy") == held(images["training"], "numpy")
    assert docker.in_container(image, "python3", "-I", "-c", "import sortedcontainers") == ""


def test_what_does_not_go_beside_the_lock_is_refused(docker: Engine, base: str, tmp_path: Path):
    (tmp_path / "requirements.txt").write_text("numpy>=2\n")
    with pytest.raises(AssertionError, match="No solution found"):
        make("image-with", ROOT, docker, base, PREFIX, f"REQUIREMENTS={tmp_path}/requirements.txt")
