"""A user's module with all that it imports of the user's own code, and the files these name.

The closure is what is published, fingerprinted and loaded: what it leaves out cannot be imported
in a step, so a step never reads code that its key does not know. Found by reading sources, since
importing them would need the step's whole runtime and seconds.
"""

import hashlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from pathlib import Path

from kanaria.components.shared import tfx_names
from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.tfx_names import missing_names
from kanaria.components.shared.user_code import module_imports
from kanaria.components.shared.user_code.module_imports import Source
from kanaria.components.shared.user_code.module_search import ELSEWHERE, Search
from kanaria.components.shared.user_code.module_walk import Walk, syntax_fault

LARGEST_FILES = 64 << 20
"""Bytes of a file beside the code, or of all files of a folder, that go along with it."""
ASIDE = "kanaria_user"
"""Package of a module whose own name cannot be imported: an installed one bears it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Closure:
    """A module and what it needs.

    Attributes:
        entry: dotted name by which the module is imported.
        files: name below the folder on Python's path -> bytes of the file that goes there.
        origins: the same name -> where the file lies, for messages.
        is_installed: whether it comes with an installed package, and so is imported from there.
    """

    entry: str
    files: Mapping[str, bytes]
    origins: Mapping[str, Path]
    is_installed: bool = False

    @property
    def fingerprint(self) -> str:
        """Return 64 hexadecimal digits that name the code, wherever it lies."""
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        return fingerprint.of_text(self.entry, fingerprint.of_files(hashes))


def _data_files(folder: Path, names: frozenset[str]) -> Iterator[str]:
    """Yield the files below `folder` that a source names: whole, or folder and file apart."""
    folders = [name for name in names if (folder / name).is_dir()]
    for name in sorted(names | {f"{first}/{second}" for first in folders for second in names}):
        path = folder / name
        is_data = path.suffix not in (".py", ".pyc") and path.is_file()
        if is_data and path.stat().st_size <= LARGEST_FILES:
            yield name


def _published_name(name: str, spec: ModuleSpec) -> str:
    origin, path = Path(spec.origin or ""), name.replace(".", "/")
    if spec.submodule_search_locations is not None:
        return f"{path}/{origin.name}"
    return path + "".join(origin.suffixes if origin.suffix != ".py" else [".py"])


def _closure(walk: Walk, entry: str) -> Closure:
    files: dict[str, Path] = {}
    for name, spec in walk.ours().items():
        files[_published_name(name, spec)] = Path(spec.origin or "")
    for name, source in walk.sources.items():
        if name in walk.specs:
            origin = Path(walk.ours()[name].origin or "")
            around = Path(_published_name(name, walk.ours()[name])).parent
            for data in _data_files(origin.parent, source.names):
                _add(files, str(around / data), origin.parent / data)
    _check_size(list(walk.listed))
    for path, name in walk.listed.items():
        _add(files, name.lstrip("/"), path)
    contents = {name: path.read_bytes() for name, path in files.items()}
    return Closure(entry=entry, files=contents, origins=files)


def _add(files: dict[str, Path], name: str, path: Path) -> None:
    other = files.setdefault(name, path)
    if not other.samefile(path):
        raise UserCodeError(f"{path} and {other} would be one file; rename one")


def _check_size(listed: Sequence[Path]) -> None:
    size = sum(path.stat().st_size for path in listed)
    if size > LARGEST_FILES:
        raise UserCodeError(
            f"{listed[0].parent}: code lists this folder, and its {size >> 20} MiB would go along "
            f"with the module; keep code apart from data: {LARGEST_FILES >> 20} MiB are the most"
        )


def _level(source: Source) -> int:
    """Return how many folders up the farthest relative import begins, from 1; 0 for none."""
    return max((len(each.name) - len(each.name.lstrip(".")) for each in source.imports), default=0)


def _packages(folder: Path, least: int) -> list[str]:
    """Return the names of the packages around a module, the outermost first, at least so many."""
    names: list[str] = []
    while len(names) < least or (folder / "__init__.py").is_file():
        if folder == folder.parent:
            break
        names.insert(0, folder.name)
        folder = folder.parent
    return names


def _read(path: Path) -> Source:
    try:
        return module_imports.read(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        raise UserCodeError(syntax_fault(path, error)) from error


def _missed_names(path: Path) -> list[str]:
    """Return the faults of names of TFX that the import and Kanaria's calls would miss."""
    source = path.read_bytes()
    faults = missing_names.import_faults(source)
    for function in ("preprocessing_fn", "run_fn"):
        faults += missing_names.function_faults(source, function)
    return [f"{path}:{line}: {fault}" for line, fault in faults]


def _finished(walk: Walk, entry: str, faults: list[str]) -> Closure:
    """Follow all imports from `entry` and return the closure, unless there are faults."""
    walk.run()
    faults = [*faults, *walk.faults(entry)]
    if faults:
        raise UserCodeError("; ".join(dict.fromkeys(faults)))
    return _closure(walk, entry)


def of_file(path: Path, *, whole: bool = False) -> Closure:
    """Return the closure of the module in a file.

    Without relative imports it is a module of its own, as `python module.py` has it; with them it
    belongs to the packages around it.

    Args:
        path: a `.py` file.
        whole: whether this interpreter has all packages that the module may import, so that a
            name which it cannot find is a fault.

    Raises:
        UserCodeError: it is no Python, or what it imports at once is not there or is ambiguous;
            all at once.
    """
    if whole:
        tfx_names.install()
    path = path.absolute()
    level = _level(_read(path))
    around = _packages(path.parent, level)
    root = path.parents[len(around)]
    folders = list(dict.fromkeys([path.resolve().parent, path.parent]))
    search = Search(
        own=[root, *folders] if level else [*folders, root], around=[Path.cwd()], entry=path
    )
    name, faults = path.stem, []
    if level:
        name = ".".join([*around, path.stem])
    elif "." in name or search.is_taken(name):
        name = f"{ASIDE}.{name.replace('.', '_')}"
    walk = Walk(search, {name: importlib.util.spec_from_file_location(name, path)}, whole)
    if level and walk.spec(".".join(around)) in (None, ELSEWHERE):
        faults = [f"{path}: the folder {shown(around[0])} is no package of its own; rename it"]
    walk.run()
    if whole and tfx_names.is_in_use():
        faults += _missed_names(path)
    again = [n for n, spec in walk.ours().items() if n != name and path.samefile(spec.origin or "")]
    if again:  # A module that imports this one knows it by that name; twice would be two modules.
        del walk.specs[name]
        name = again[0]
    return _finished(walk, name, faults)


def of_name(name: str, *, whole: bool = False) -> Closure:
    """Return the closure of the module that is imported by a dotted name.

    Of an installed module it holds the code of its package alone; the rest the lock names.

    Raises:
        UserCodeError: as `of_file` does; or, with `whole`, there is no such module.
    """
    if whole:
        tfx_names.install()
    search = Search(own=[], around=[Path.cwd()], entry=None)
    top = name.partition(".")[0]
    top_module = search.top(top)
    walk = Walk(
        search, {top: search.importable(top) if top_module is ELSEWHERE else top_module}, whole
    )
    if walk.spec(name) is None and whole:
        raise UserCodeError(f"module_file={shown(name)}: no such module or file; check the name")
    walk.run()
    return replace(_finished(walk, name, []), is_installed=top_module is ELSEWHERE)
