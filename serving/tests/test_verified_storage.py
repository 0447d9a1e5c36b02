"""KServe's call of a storage initializer, as a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from signed_releases import published
from signing_keys import pair

from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY


def initialized(source: object, target: Path, key: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kanaria.serving.verified_storage", str(source), str(target)]
    environment = {**os.environ, VERIFY_KEY: key}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_a_pod_gets_the_signed_model_and_no_other(tmp_path: Path):
    keys = pair(tmp_path, "own")
    release, key = published(tmp_path, keys), keys.public.read_text()
    (tmp_path / "mnt").mkdir()
    done = initialized(release / "model", tmp_path / "mnt", key)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mnt/1/saved_model.pb").read_text() == "graph"
    (release / "model/1/own.so").touch()
    done = initialized(f"{release}/model/", tmp_path / "other", key)
    assert done.returncode != 0 and "model/1/own.so was added" in done.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("key", ["", "-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----"])
def test_without_a_key_nothing_is_copied(key: str, tmp_path: Path):
    release = published(tmp_path, pair(tmp_path, "own"))
    done = initialized(release / "model", tmp_path / "mnt", key)
    assert done.returncode != 0 and "KANARIA_VERIFY_KEY" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "mnt").exists()
