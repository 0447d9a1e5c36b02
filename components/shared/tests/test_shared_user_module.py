from pathlib import Path

import pytest

from kanaria.components.shared.errors import UserCodeError
from kanaria.components.shared.user_code import module_archive, module_closure, user_module


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


def test_a_module_is_loaded_anew_with_the_helper_it_has_now(tmp_path: Path):
    path = write(tmp_path, "import helper\ndef f(): return helper.X")
    results = []
    for value in (1, 2):
        (tmp_path / "helper.py").write_text(f"X = {value}")
        results.append(user_module.function(path, "f")())
    assert results == [1, 2]


def test_two_modules_with_helpers_of_one_name_do_not_mix(tmp_path: Path):
    functions = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "helper.py").write_text(f"X = {name!r}")
        path = write(tmp_path / name, "import helper\ndef f(): return helper.X")
        functions.append(user_module.function(path, "f"))
    assert [function() for function in functions] == ["a", "b"]


@pytest.mark.parametrize("text", ["import sys\nsys.exit(0)", "raise SystemExit"])
def test_a_module_that_ends_the_process_is_an_error(tmp_path: Path, text: str):
    with pytest.raises(UserCodeError, match="importing it failed with SystemExit"):
        user_module.load(write(tmp_path, text))


def test_a_function_that_ends_the_process_is_an_error(tmp_path: Path):
    function = user_module.function(write(tmp_path, "import sys\ndef f(): sys.exit(0)"), "f")
    with pytest.raises(UserCodeError, match=r"module\.py:2: f failed with SystemExit: '0'"):
        user_module.call(function)


def test_the_line_of_the_helper_that_fails_is_named(tmp_path: Path):
    (tmp_path / "helper.py").write_text("def g():\n    return 1 / 0")
    function = user_module.function(write(tmp_path, "import helper\ndef f(): helper.g()"), "f")
    with pytest.raises(UserCodeError, match=r"helper\.py:2: f failed with ZeroDivisionError"):
        user_module.call(function)


def test_an_archive_is_the_module_wherever_it_lies(tmp_path: Path):
    (tmp_path / "words.txt").write_text("hello")
    text = "from pathlib import Path\ndef f(): return Path(__file__).with_name('words.txt')"
    path = write(tmp_path, f"{text}.read_text()")
    closure = module_closure.of_file(Path(path))
    archive = tmp_path / "files" / module_archive.relative_name(closure)
    module_archive.write(closure, archive)
    first = archive.read_bytes()
    for name in ("module.py", "words.txt"):
        (tmp_path / name).unlink()
    assert user_module.function(str(archive), "f")() == "hello"
    module_archive.write(closure, archive)
    assert archive.read_bytes() == first


def test_a_damaged_archive_is_named(tmp_path: Path):
    (tmp_path / "m.zip").write_bytes(b"PK")
    with pytest.raises(UserCodeError, match=r"m\.zip': no archive of a module"):
        user_module.load(str(tmp_path / "m.zip"))
