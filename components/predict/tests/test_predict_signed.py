"""Rows are scored by the signed release alone, and compared with its own reference alone."""

from pathlib import Path

import pytest
from signed_releases import finished
from signing_keys import Pair, pair

from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY
from kanaria.components.shared.errors import DataError

ROWS = {"amount": [1.0, 2.0], "count": [1, 2], "city": ["a", "b"]}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "own")


@pytest.fixture
def release(world, keys: Pair) -> Path:
    world.model()
    world.parquet(**ROWS)
    (world.release / "release.json").unlink()
    (world.release / "serving_samples").mkdir()
    (world.release / "serving_samples/background.jsonl").write_text("[1]")
    return finished(world.release, world.home / "models", keys)


def test_a_signed_release_scores_and_a_changed_one_does_not(world, release: Path, keys: Pair):
    settings = {"release": str(release), "verify_key": keys.public.read_text()}
    assert world.predict(**settings).rows == 2
    variables = next(release.glob("model/1/variables/*.index"))
    variables.write_bytes(variables.read_bytes() + b"0")
    said = rf"model/1/variables/{variables.name} is not what was signed"
    with pytest.raises(DataError, match=said):
        world.predict(f"{world.home}/again", **settings)
    assert not (world.home / "again").exists()


def test_a_drift_reference_that_nobody_signed_is_refused(
    world, release: Path, keys: Pair, monkeypatch: pytest.MonkeyPatch
):
    (release / "drift_detector").mkdir()
    (release / "drift_detector/detector.json").write_text("{}")
    monkeypatch.setenv(VERIFY_KEY, str(keys.public))
    with pytest.raises(DataError, match=r"drift_detector/detector\.json was added"):
        world.predict(release=str(release))


def test_a_release_without_a_signature_is_refused(world, release: Path, keys: Pair):
    (release / "release.sig").unlink()
    with pytest.raises(DataError, match=r"not signed: there is no .*release\.sig"):
        world.predict(release=str(release), verify_key=keys.public.read_text())
