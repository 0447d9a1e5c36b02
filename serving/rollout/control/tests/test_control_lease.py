import subprocess
import sys
from pathlib import Path

from kanaria.serving.file_lease import FileLease

HOLD = """
import sys
from pathlib import Path
from kanaria.serving.file_lease import FileLease
lease = FileLease(Path(sys.argv[1]))
print(lease.hold(), flush=True)
sys.stdin.read()
"""


def test_one_process_holds_a_lease_and_its_death_frees_it(tmp_path: Path):
    path = tmp_path / "controller.lock"
    ours = FileLease(path)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "True\n"
    assert not ours.hold()
    other.kill()
    other.wait()
    assert ours.hold()
    assert ours.hold()


def test_a_lease_given_back_is_free(tmp_path: Path):
    first, second = FileLease(tmp_path / "lock"), FileLease(tmp_path / "lock")
    assert first.hold()
    first.release()
    assert second.hold()
