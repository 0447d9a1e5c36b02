"""Two layers of packages, one of their bill, one of code, and equal inputs give equal layers."""

import shutil
from collections.abc import Iterator

import pytest
from container_engine import ROOT, Engine, make_images, output_of

RUNTIMES = ("training", "control")
PREFIX = "kanaria-test/changed"


@pytest.fixture(scope="module")
def changed(
    docker: Engine,
    base: str,
    images: dict[str, str],  # noqa: ARG001 - built first: their layers are used again.
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """Images of a copy of the checkout in which one line of code is new."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = output_of(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT)
    for name in listed.splitlines():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    with (copy / "components/shared/step_images.py").open("a") as file:
        file.write("NEW = 1\n")
    tags = make_images(copy, docker, base, PREFIX)
    yield dict(zip(RUNTIMES, tags, strict=True))
    docker("image", "rm", "--force", *tags)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_four_layers_lie_on_the_base(
    docker: Engine, base: str, images: dict[str, str], runtime: str
):
    below, layers = docker.layers(base), docker.layers(images[runtime])
    assert layers[: len(below)] == below
    assert len(layers) == len(below) + 4


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_new_line_of_code_changes_the_layer_of_the_code_alone(
    docker: Engine, images: dict[str, str], changed: dict[str, str], runtime: str
):
    before, after = docker.layers(images[runtime]), docker.layers(changed[runtime])
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]


@pytest.mark.usefixtures("tmp_path")
def test_equal_inputs_give_equal_layers(docker: Engine, base: str, images: dict[str, str]):
    again = "kanaria-test/again/kanaria-control"
    arguments = ["--build-arg", f"BASE_IMAGE={base}", "--build-arg", "UV_VERSION=0.13.8"]
    arguments += ["--build-arg", "RUNTIME=control", "--target", "runtime"]
    flags = [*docker.flags.split(), "--no-cache", "--tag", again]
    docker("build", *flags, *arguments, ROOT)
    try:
        assert docker.layers(again) == docker.layers(images["control"])
    finally:
        docker("image", "rm", "--force", again)
