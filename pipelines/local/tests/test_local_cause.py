from pathlib import Path

import pytest

from kanaria.pipelines.local.failure_cause import cause

FRAMES = """Traceback (most recent call last):
  File "step.py", line 3, in <module>
    bake()
"""
ERROR = "kanaria.components.shared.errors.DataError: data: no such file: 'a.csv'"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (f"starting\n{FRAMES}ValueError: the oven is cold\n", "ValueError: the oven is cold"),
        (f"{FRAMES}{ERROR}\n", "DataError: data: no such file: 'a.csv'"),
        (f"{FRAMES}ValueError: one\ntwo\n  three\n", "ValueError: one"),
        (f"{FRAMES}ValueError: one\ngoodbye\n", "ValueError: one"),
        (
            f"{FRAMES}KeyError: 'a'\n\nThe above exception was the direct cause of the "
            f"following exception:\n\n{FRAMES}ValueError: no a\n",
            "ValueError: no a",
        ),
        (
            f"{FRAMES}ValueError: one\nException ignored in: <x>\n{FRAMES}KeyError: 'late'\n",
            "ValueError: one",
        ),
        ("sh: python3: not found\n\n", "sh: python3: not found"),
        ("", "the step wrote nothing"),
    ],
)
def test_the_cause_is_the_exception_that_ended_the_step(tmp_path: Path, log: str, expected: str):
    path = tmp_path / "log.txt"
    path.write_text(log)
    assert cause(1, path) == expected


@pytest.mark.parametrize(("code", "number"), [(-9, 9), (137, 9), (-15, 15), (143, 15), (139, 11)])
def test_a_signal_is_named_whether_it_hit_the_shell_or_its_command(
    tmp_path: Path, code: int, number: int
):
    path = tmp_path / "log.txt"
    path.write_text("a harmless line\n")
    assert cause(code, path).startswith(f"killed by signal {number} (SIG")


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path):
    path = tmp_path / "log.txt"
    path.write_bytes(b"\xff" * 400_000 + f"\n{FRAMES}ValueError: the end\n".encode())
    assert cause(1, path) == "ValueError: the end"
