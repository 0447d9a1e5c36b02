import subprocess
import sys
from pathlib import Path

import pytest

from kanaria.components.resolve.span import resolve_span
from kanaria.components.shared.errors import DataError


def test_the_same_content_gives_the_same_reference(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text("a\n1\n")
    first = resolve_span(f"{tmp_path}/*.csv")
    file.write_text("a\n1\n")  # Its time changes, its content does not.
    assert resolve_span(f"{tmp_path}/*.csv") == first
    assert first.startswith(f"{file}#sha256=")


def test_a_new_file_gives_a_new_reference(tmp_path: Path):
    (tmp_path / "a.csv").write_text("a\n1\n")
    first = resolve_span(f"{tmp_path}/*.csv")
    (tmp_path / "b.csv").write_text("a\n2\n")
    assert resolve_span(f"{tmp_path}/*.csv") != first


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"absent\.csv"):
        resolve_span(str(tmp_path / "absent.csv"))


def test_the_control_image_needs_no_arrow_to_resolve():
    code = (
        "import sys, kanaria.components.resolve.span; "
        "sys.exit(bool({'pyarrow', 'numpy', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code]).returncode == 0
