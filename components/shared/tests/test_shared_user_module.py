from pathlib import Path

import pytest

from kanaria.components.shared import user_module
from kanaria.components.shared.errors import UserCodeError


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "module.py"
    path.write_text(text)
    return str(path)


def test_a_function_is_taken_from_a_file(tmp_path: Path):
    assert user_module.function(write(tmp_path, "def f(): return 7"), "f")() == 7


def test_a_function_is_taken_from_an_importable_name():
    assert user_module.function("json", "loads")("[1]") == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:", r"module\.py:1: invalid syntax in 'def f\(:'"),
        ("1 / 0", "ZeroDivisionError: 'division by zero'"),
        ("g = 1", "no function 'f'"),
    ],
)
def test_a_faulty_module_is_named_with_the_cause(tmp_path: Path, text: str, message: str):
    with pytest.raises(UserCodeError, match=message):
        user_module.function(write(tmp_path, text), "f")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UserCodeError, match="no such file"):
        user_module.load(str(tmp_path / "absent.py"))
