"""The image with alibi-detect, which only `make image-alibi` builds."""

from collections.abc import Iterator

import pytest
from container_engine import ROOT, Engine, make

PREFIX = "kanaria-test"
COMPARE = """
import numpy as np
from alibi_detect.cd import KSDrift
from kanaria.serving.drift.alibi.alibi_detect import AlibiDetect
from kanaria.serving.drift.table_columns import from_matrix
rows = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
detector = AlibiDetect(KSDrift(rows), accept_bsl=True)
reference = detector.fit(from_matrix(rows))
verdicts = [detector.test(reference, from_matrix(rows + by)).verdict for by in (0, 1)]
print(*(verdict.value for verdict in verdicts))
"""


@pytest.fixture(scope="module")
def image(docker: Engine, base: str) -> Iterator[str]:
    make("image-alibi", ROOT, docker, base, PREFIX)
    (tag,) = docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{PREFIX}/*alibi").split()
    print(f"{tag} {docker.inspect(tag)['Size'] // 1_000_000} MB")  # Shown with -s or -rP.
    yield tag
    docker("image", "rm", "--force", tag)


def test_its_detectors_run_and_the_licence_is_told_once(docker: Engine, image: str):
    output = docker.in_container(image, "sh", "-c", 'python -c "$0" 2>&1', COMPARE)
    assert output.splitlines()[-1] == "stable drifted"
    assert output.count("Business Source License 1.1") == 1


def test_it_carries_the_licence(docker: Engine, image: str):
    place = docker.inspect(image)["Config"]["Labels"]["alibi-detect.licence"]
    assert "Business Source License 1.1" in docker.in_container(image, "cat", place)
