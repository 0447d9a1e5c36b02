"""A training killed with SIGKILL, at random, ends with the bytes of an undisturbed one."""

import random
import re
from pathlib import Path

import pytest

KILLED = -9


@pytest.fixture(scope="module")
def ended(killed_trainings, tmp_path_factory):
    """One training killed after random times, one while it writes checkpoints."""
    folder = tmp_path_factory.mktemp("killed")
    draw = random.Random()
    at_random = [{"epochs": n, "seconds": draw.uniform(0, 0.3)} for n in (1, 4)]
    # The note is one file, each checkpoint three: kills in the first and the third checkpoint.
    while_writing = [{"flushes": 1 + 3 * n + draw.randint(1, 3)} for n in (0, 2)]
    runs = [
        {"model": str(folder / "random"), "kills": at_random},
        {"model": str(folder / "writing"), "kills": while_writing},
    ]
    ends, log = killed_trainings(runs)
    return folder, dict(zip(("random", "writing"), ends, strict=True)), log, runs


@pytest.mark.parametrize("name", ["random", "writing"])
def test_a_training_killed_twice_ends_with_the_same_bytes(ended, undisturbed, variables, name: str):
    folder, ends, _, runs = ended
    assert ends[name] == [KILLED, KILLED, 0], runs
    assert variables(folder / name) == variables(undisturbed), runs


def test_a_killed_training_went_on_where_it_was(ended):
    _, _, log, _ = ended
    assert re.search(r"Resumed after epoch [1-6] from", log)


def test_a_training_that_ended_leaves_its_logs_and_no_checkpoint(ended):
    folder, _, _, _ = ended
    for name in ("random", "writing"):
        place: Path = folder / f"{name}_run"
        assert {path.name for path in place.iterdir()} == {"train"}
        assert (folder / f"{name}_logs/COMPLETE").read_text() == str(place)
