"""A user's module with all that it imports of the user's own code, and the files these name.

The closure is what is published, fingerprinted and loaded: what it leaves out cannot be imported
in a step, so a step never reads code that its key does not know. Found by reading sources, since
importing them would need the step's whole runtime and seconds.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from pathlib import Path

from kanaria.components.shared import fingerprint, module_imports, tfx_names
from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.module_imports import Import, Source
from kanaria.components.shared.module_search import ELSEWHERE, ClashError, Search, below, is_file

LARGEST_FILE = 64 << 20
"""Bytes of a file beside the code that goes along with it."""
ASIDE = "kanaria_user"
"""Package of a module whose own name cannot be imported: an installed one bears it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Closure:
    """A module and what it needs.

    Attributes:
        entry: dotted name by which the module is imported.
        files: name below the folder on Python's path -> bytes of the file that goes there.
        is_installed: whether it comes with an installed package, and so is imported from there.
    """

    entry: str
    files: Mapping[str, bytes]
    is_installed: bool = False

    @property
    def fingerprint(self) -> str:
        """Return 64 hexadecimal digits that name the code, wherever it lies."""
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        return fingerprint.of_text(self.entry, fingerprint.of_files(hashes))


def _syntax_fault(path: Path, error: SyntaxError | ValueError) -> str:
    if not isinstance(error, SyntaxError):
        return f"{path}: {error}; correct the module"
    code = f" in {shown(error.text.strip())}" if error.text else ""
    return f"{path}:{error.lineno or 1}: {error.msg}{code}; correct the module"


def _data_files(folder: Path, names: frozenset[str]) -> Iterator[str]:
    """Yield the files below `folder` that a source names: whole, or folder and file apart."""
    inside = {name for name in names if not name.startswith((".", "/")) and "\0" not in name}
    folders = [name for name in inside if (folder / name).is_dir()]
    for name in sorted(inside | {f"{first}/{second}" for first in folders for second in inside}):
        path = folder / name
        if ".." in Path(name).parts or path.suffix in (".py", ".pyc") or not path.is_file():
            continue
        if path.stat().st_size <= LARGEST_FILE:
            yield name


def _published_name(name: str, spec: ModuleSpec) -> str:
    origin, path = Path(spec.origin or ""), name.replace(".", "/")
    if spec.submodule_search_locations is not None:
        return f"{path}/{origin.name}"
    return path + "".join(origin.suffixes if origin.suffix != ".py" else [".py"])


def _is_lacking(target: str, is_member: bool) -> bool:
    """Tell whether a stand-in for a package lacks a name; what is installed is not looked into."""
    top, _, rest = target.partition(".")
    stand_in = sys.modules.get(top)
    if stand_in is None or stand_in.__spec__ is not None or not rest:
        return False
    owner, _, member = target.rpartition(".") if is_member else (target, "", "")
    try:
        found = importlib.import_module(owner)
    except ImportError:
        return True
    return bool(member) and not hasattr(found, member) and f"{owner}.{member}" not in sys.modules


class _Walk:
    """Follows imports from one module."""

    def __init__(self, search: Search, specs: dict[str, ModuleSpec | None], whole: bool) -> None:
        self.search, self.specs, self.whole = search, specs, whole
        self.sources: dict[str, Source] = {}
        self.needs: dict[str, list[str]] = {}
        self.broken: dict[str, list[str]] = {}

    def spec(self, name: str) -> ModuleSpec | None:
        if name not in self.specs:
            parent = name.rpartition(".")[0]
            above = self.spec(parent) if parent else None
            found = below(above, name) if above else None
            self.specs[name] = found if parent else self.search.top(name)
        return self.specs[name]

    def ours(self) -> dict[str, ModuleSpec]:
        return {
            name: spec
            for name, spec in self.specs.items()
            if spec is not None and spec is not ELSEWHERE and is_file(spec)
        }

    def run(self) -> None:
        while waiting := [name for name in self.ours() if name not in self.needs]:
            for name in waiting:
                self.read(name, self.ours()[name])

    def read(self, name: str, spec: ModuleSpec) -> None:
        self.needs[name], self.broken[name] = [], []
        path = Path(spec.origin or "")
        if path.suffix != ".py":
            return
        try:
            self.sources[name] = module_imports.read(path.read_bytes(), str(path))
        except (SyntaxError, ValueError) as error:
            self.broken[name].append(_syntax_fault(path, error))
            return
        package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
        for wanted in self.sources[name].imports:
            self.follow(name, package, wanted, f"{path}:{wanted.line}")

    def follow(self, name: str, package: str, wanted: Import, place: str) -> None:
        try:
            target = importlib.util.resolve_name(wanted.name, package)
            found = self.spec(target)
        except ImportError as error:
            found, target = None, wanted.name
            fault = f"{place}: {error}"
        except ClashError as error:
            self.broken[name].append(f"{place}: {error}")
            return
        else:
            fault = f"{place}: there is no module {target}; put it beside the module"
        if wanted.is_certain and found is not None:
            parts = target.split(".")
            self.needs[name] += [".".join(parts[: n + 1]) for n in range(len(parts))]
        if wanted.is_certain and self.is_absent(target, found, wanted.is_member):
            self.broken[name].append(fault)

    def is_absent(self, target: str, found: ModuleSpec | None, is_member: bool) -> bool:
        if found is ELSEWHERE:
            return self.whole and _is_lacking(target, is_member)
        of_the_user = self.specs.get(target.partition(".")[0]) is not None
        return found is None and not is_member and (self.whole or of_the_user)

    def faults(self, entry: str) -> list[str]:
        """Return what makes the import of the entry fail, however the code branches."""
        if any(source.touches_search for source in self.sources.values()):
            return self.broken[entry][:1] if entry not in self.sources else []
        reached, waiting = set(), [entry]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += self.needs.get(name, [])
        return [fault for name in sorted(reached) for fault in self.broken.get(name, [])]

    def closure(self, entry: str) -> Closure:
        files: dict[str, Path] = {}
        for name, spec in self.ours().items():
            origin = Path(spec.origin or "")
            published = Path(_published_name(name, spec))
            files[str(published)] = origin
            source = self.sources.get(name)
            for data in _data_files(origin.parent, source.names if source else frozenset()):
                target = str(published.parent / data)
                if not files.setdefault(target, origin.parent / data).samefile(
                    origin.parent / data
                ):
                    raise UserCodeError(f"{files[target]}, {origin.parent / data}: rename one")
        return Closure(entry=entry, files={name: path.read_bytes() for name, path in files.items()})


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
        raise UserCodeError(_syntax_fault(path, error)) from error


def _finished(walk: _Walk, entry: str, faults: list[str]) -> Closure:
    """Follow all imports from `entry` and return the closure, unless there are faults."""
    walk.run()
    faults = [*faults, *walk.faults(entry)]
    if faults:
        raise UserCodeError("; ".join(dict.fromkeys(faults)))
    return walk.closure(entry)


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
    walk = _Walk(search, {name: importlib.util.spec_from_file_location(name, path)}, whole)
    if level and walk.spec(".".join(around)) in (None, ELSEWHERE):
        faults = [f"{path}: the folder {shown(around[0])} is no package of its own; rename it"]
    walk.run()
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
    found = search.top(top)
    walk = _Walk(search, {top: search.importable(top) if found is ELSEWHERE else found}, whole)
    if walk.spec(name) is None and whole:
        raise UserCodeError(f"module_file={shown(name)}: no such module or file; check the name")
    walk.run()
    return replace(_finished(walk, name, []), is_installed=found is ELSEWHERE)
