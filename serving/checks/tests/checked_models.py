"""Models that tests of the checks share, and the samples that the good one gave."""

import subprocess
import sys
from pathlib import Path

import pytest

from kanaria.components.shared.artifacts.serving_samples import (
    Feature,
    Sample,
    ServingSamples,
    Tensor,
)

MAKE_MODELS = Path(__file__).with_name("make_checked_models.py")


def sample(x: float, n: list[int], word: str) -> Sample:
    outputs = {"score": 2 * x + sum(n), "word": word}
    return Sample(inputs={"x": x, "n": n, "word": word}, outputs=outputs)


SAMPLES = ServingSamples(
    inputs={
        "x": Tensor(dtype="float32", shape=(None,)),
        "n": Tensor(dtype="int64", shape=(None, 2)),
        "word": Tensor(dtype="string", shape=(None,)),
    },
    outputs={
        "score": Tensor(dtype="float32", shape=(None,)),
        "word": Tensor(dtype="string", shape=(None,)),
    },
    features={
        "x": Feature(type="FLOAT", size=1),
        "n": Feature(type="INT", size=2),
        "word": Feature(type="BYTES"),
    },
    rows=tuple(sample(x * 1.5, [x, -1], f"wörd {x}") for x in range(1, 25)),
)


@pytest.fixture(scope="session")
def checked_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the models `good`, `different`, `slow`, `failing` and `integers`."""
    folder = tmp_path_factory.mktemp("checked")
    subprocess.run([sys.executable, MAKE_MODELS, folder], check=True, capture_output=True)
    return folder
