"""A disk that fills up: a small tmpfs in a mount namespace of its own."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from workspace import KANARIA


@pytest.fixture
def big_data(tmp_path: Path) -> Path:
    # Every value differs, so Parquet cannot make it small.
    rows = (f"{number},{hash((number, 'x'))}" for number in range(100_000))
    path = tmp_path / "big.csv"
    path.write_text("a,b\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def namespace(tmp_path: Path) -> list[str]:
    """A command that runs another where it may mount; not every machine lets its users do that."""
    command = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which(command[0]):
        pytest.skip("no unshare: install util-linux")
    tried = [*command, "mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", tmp_path]
    done = subprocess.run(tried, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this user may mount no small disk: {done.stderr.strip()}")
    return command


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    tmp_path: Path, big_data: Path, namespace: list[str]
):
    disk, saved = tmp_path / "disk", tmp_path / "saved"
    disk.mkdir()
    run = [KANARIA, "run", "train_and_deploy", "--root", disk / "root"]
    for setting in ("module_file=json", "eval_config_file=e", "service.name=s", f"data={big_data}"):
        run += ["--set", setting]
    # The small disk lives as long as its namespace, so what is left on it is copied out.
    script = (
        f"mount -t tmpfs -o size=900k tmpfs {disk} && "
        f"{shlex.join(map(str, run))}; code=$?; cp -r {disk}/root {saved}; exit $code"
    )
    done = subprocess.run([*namespace, "sh", "-c", script], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "error: ingest-data: NotReadyError:" in done.stderr
    assert "No space left on device" in done.stderr
    step = next(saved.glob("runs/*/ingest-data"))
    assert sorted(path.name for path in step.iterdir()) == ["log.txt", "parameters"]
    record = json.loads(next(saved.glob("runs/*/run.json")).read_text())
    assert record["state"] == "failed"
