"""Makes one layer of an image: installs, leaves out what no step loads, strips, compiles.

Usage, in the Dockerfile: image_layer.py WHAT FOLDER [--bytecode-only]

WHAT is a locked list of packages, or a wheel of ours. What goes is named by kind, not by file;
whole packages are pruned where the list is exported. With --bytecode-only sources go, too:
tracebacks still name file and line, without the line's text. That is not for packages whose sources
are read at run time, as TensorFlow's by AutoGraph and the bodies of our components by KFP.

Equal lists give equal bytes: bytecode has no time stamps, and is compiled in one process, because
what a process compiled before shows in its bytecode; all files have one time stamp. The layer
begins at the root, because an engine would make the folders above anew with the time of the build.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from name_tensorflow import name_tensorflow
from strip_symbols import strip

UV = "/opt/uv/bin/uv"
ENVIRONMENT = Path("/opt/kanaria")
PACKAGES = ENVIRONMENT / "lib/python3.11/site-packages"

COMPILED = {".a", ".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp", ".inc", ".inl"}
"""What compilers and linkers read: 170 MB in TensorFlow and Arrow."""
TYPED = {".pxd", ".pxi", ".pyi", ".pyx"}
"""What Cython, type checkers and editors read."""
TESTS = {"tests", "testdata", "SelfTest"}
"""Folders of the libraries' own tests."""
TESTS_BESIDE = ("apache_beam", "keras", "tensorflow_", "tfx_bsl")
"""Packages whose tests lie beside the code as `*_test.py`; SciPy has code of that name."""
VIDEO_CODECS = ("_avif", "libavif")
"""How the files of Pillow's largest codec begin; images come as JPEG and PNG."""
CHARTS = "vl_convert"
"""Package of 84 MB that only makes the script of the reports' charts; the script is kept."""
UNCHANGED = "nvidia"
"""NVIDIA's libraries are stripped already, and its licence wants them as they are."""


def install(what: Path) -> None:
    """Install a locked list, whose packages all have hashes, or a wheel into the environment."""
    command = [UV, "pip", "install", "--quiet", "--no-deps", "--python", ENVIRONMENT / "bin/python"]
    if what.suffix != ".whl":
        subprocess.run([*command, "--require-hashes", "--requirements", what], check=True)
        return
    # By name, as one given by its path leaves that path behind; uv's own note has the time.
    name = what.name.partition("-")[0]
    subprocess.run([*command, "--no-index", "--find-links", what.parent, name], check=True)
    for note in PACKAGES.glob(f"{name}-*.dist-info/uv_cache.json"):
        note.unlink()
        record = note.with_name("RECORD")
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if note.name not in line))


def left_out(packages: Path) -> Iterator[Path]:
    """Yield the files and whole folders of `packages` that nothing loads at run time."""
    for folder, folders, files in os.walk(packages):
        inside = Path(folder)
        for name in TESTS.intersection(folders):
            folders.remove(name)
            yield inside / name
        top = inside.relative_to(packages).parts[:1]
        beside = bool(top) and top[0].startswith(TESTS_BESIDE)
        for file in map(Path, files):
            test = beside and file.name.endswith("_test.py")
            if test or file.suffix in COMPILED | TYPED or file.name.startswith(VIDEO_CODECS):
                yield inside / file


def lighten(packages: Path) -> None:
    """Remove what nothing loads, and the symbols of libraries, which only debuggers read."""
    for path in list(left_out(packages)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted(packages.rglob("*.so*")):
        if path.is_file() and not path.is_symlink() and UNCHANGED not in path.parts:
            strip(path)


def keep_chart_script(packages: Path) -> None:
    """Keep what the library of the charts makes, and of the library itself its version alone."""
    library = packages / CHARTS
    if library.is_dir():
        keep = [ENVIRONMENT / "bin/python", Path(__file__).with_name("chart_library.py")]
        subprocess.run(keep, check=True)
        shutil.rmtree(library)


def compile_all(packages: Path, *, bytecode_only: bool) -> None:
    """Compile every module; the bytecode is used without a look at its source."""
    command = [ENVIRONMENT / "bin/python", "-m", "compileall", "-q"]
    command += ["--invalidation-mode", "unchecked-hash", *(["-b"] if bytecode_only else [])]
    subprocess.run([*command, packages], check=True)
    if bytecode_only:
        for source in list(packages.rglob("*.py")):
            if source.with_suffix(".pyc").exists():  # What does not compile stays.
                source.unlink()


def lay(folder: Path) -> None:
    """Link the environment into `folder`, below the path it has in the image."""
    for name in (".lock", ".gitignore"):
        (ENVIRONMENT / name).unlink(missing_ok=True)
    target = folder / ENVIRONMENT.relative_to("/")
    shutil.copytree(ENVIRONMENT, target, symlinks=True, copy_function=os.link)
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (0, 0), follow_symlinks=False)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
    name_tensorflow(PACKAGES)
    keep_chart_script(PACKAGES)
    lighten(PACKAGES)
    compile_all(PACKAGES, bytecode_only="--bytecode-only" in sys.argv)
    lay(Path(sys.argv[2]))
