"""What the images leave out of their packages, and how symbols are cut off libraries."""

import importlib.util
import shutil
import struct
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[2] / ".github/scripts"
HEADER = {*range(0x28, 0x30), *range(0x3A, 0x40)}
"""Bytes of an ELF header that say where and how large the table of sections is."""
STAYING = (
    "pandas/_testing/asserters.py",
    "scipy/stats/_bws_test.py",
    "keras/src/testing/test_case.py",
    "tensorflow/libtensorflow_cc.so.2",
    "kfp/py.typed",
    "nvidia/cudnn/lib/libcudnn.so.8",
)
LEFT_OUT = (
    "pandas/tests",
    "apache_beam/pipeline_test.py",
    "tensorflow_transform/beam/impl_test.py",
    "tensorflow/include/tensorflow/core/op.h",
    "pyarrow/src/arrow.cc",
    "numpy/core/lib/libnpymath.a",
    "jedi/third_party/builtins.pyi",
    "Crypto/SelfTest",
    "PIL/_avif.cpython-311-x86_64-linux-gnu.so",
)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, which the Dockerfile runs beside the other one."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    spec = importlib.util.spec_from_file_location("image_layer", SCRIPTS / "image_layer.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A copy of a compiled module that comes with its symbols, among text of the same folder."""
    spec = importlib.util.find_spec("uvloop.loop")
    assert spec and spec.origin and spec.origin.endswith(tuple(EXTENSION_SUFFIXES))
    package = tmp_path / "uvloop"
    shutil.copytree(Path(spec.origin).parent, package, ignore=shutil.ignore_patterns("*.pyx"))
    return package / Path(spec.origin).name


def segments(library: bytes) -> list[tuple[int, int]]:
    """Return where the parts begin and end that are loaded, as the table of segments tells."""
    (first,) = struct.unpack_from("<Q", library, 0x20)
    size, count = struct.unpack_from("<HH", library, 0x36)
    headers = [struct.unpack_from("<IIQQQQ", library, first + size * at) for at in range(count)]
    return [(offset, offset + length) for kind, _, offset, _, _, length in headers if kind == 1]


def test_whole_kinds_are_left_out_and_what_looks_like_them_stays(script, tmp_path):
    for name in (*STAYING, *LEFT_OUT):
        place = tmp_path / name
        place = place if place.suffix else place / "test_something.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    paths = {str(path.relative_to(tmp_path)) for path in script.left_out(tmp_path)}
    assert paths == set(LEFT_OUT)


def test_tensorflow_for_cpus_is_found_by_the_name_that_packages_ask_for(script, tmp_path):
    (tmp_path / "tensorflow_cpu-2.16.2.dist-info").mkdir()
    script.name_tensorflow(tmp_path)
    names = {d.name: (d.version, d.requires) for d in distributions(path=[str(tmp_path)]) if d.name}
    assert names == {"tensorflow": ("2.16.2", ["tensorflow-cpu==2.16.2"])}


def test_a_library_without_symbols_is_smaller_and_loads_the_same_bytes(script, library):
    before = library.read_bytes()
    gained = script.strip(library)
    after = library.read_bytes()
    assert len(before) - len(after) == gained > len(before) // 10
    for start, end in segments(before):
        places = [at for at in range(start, end) if at not in HEADER]
        assert [before[at] for at in places] == [after[at] for at in places]
    code = "import uvloop, asyncio; print(uvloop.__file__, uvloop.run(asyncio.sleep(0, 7)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(library.parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(library.with_name("__init__.py")), "7"]
    assert script.strip(library) == 0


def test_what_is_no_library_or_holds_more_stays_as_it_is(script, library, tmp_path):
    with library.open("ab") as file:
        file.write(b"an archive that the program reads from its own end")
    linker = tmp_path / "libc.so"
    linker.write_text("GROUP ( /lib/libc.so.6 )")
    for path in (library, linker):
        before = path.read_bytes()
        assert script.strip(path) == 0
        assert path.read_bytes() == before


def test_of_the_charts_library_the_script_is_kept(
    tmp_path: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    # The image's own interpreter runs the copy that lies beside the script.
    calls = []
    monkeypatch.setattr(script.subprocess, "run", lambda command, **_: calls.append(command))
    (tmp_path / "vl_convert").mkdir()
    (tmp_path / "vl_convert_python-1.9.0.dist-info").mkdir()
    script.keep_chart_script(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["vl_convert_python-1.9.0.dist-info"]
    assert [Path(part).name for part in calls[0]] == ["python", "chart_library.py"]
