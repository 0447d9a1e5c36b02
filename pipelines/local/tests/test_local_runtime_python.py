"""Which Python stands for an image here, and which target of make brings one that is not there."""

import sys

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.step_images import FEAST_IMAGE, TRAINING_IMAGE
from kanaria.pipelines.local.runtime_python import python_of


@pytest.mark.parametrize(
    ("image", "runtime", "target"),
    [(TRAINING_IMAGE, "training", "install"), (FEAST_IMAGE, "feast", "feast")],
)
def test_a_runtime_lies_beside_that_of_the_command(monkeypatch, tmp_path, image, runtime, target):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "serving"))
    with pytest.raises(ParameterError, match=rf"{runtime}/bin/python'; run `make {target}`"):
        python_of(f"registry.example.com/ml/{image}")
    python = tmp_path / runtime / "bin/python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert python_of(image) == python
