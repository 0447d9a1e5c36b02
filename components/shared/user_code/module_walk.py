"""Follows the imports of a module from source to source, and finds those that cannot be met."""

import contextlib
import importlib.util
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

from kanaria.components.shared import tfx_names
from kanaria.components.shared.errors import shown
from kanaria.components.shared.tfx_names import supported_names
from kanaria.components.shared.user_code import module_imports
from kanaria.components.shared.user_code.module_imports import Import, Source
from kanaria.components.shared.user_code.module_search import (
    ELSEWHERE,
    ClashError,
    Search,
    below,
    is_file,
)

EXAMPLES = ("tfx.examples.", "tfx.experimental.")
"""Modules below these import one another by those names, wherever users copy them to."""
REMEDY = "put it beside the module, or name its package in requirements_file"


def syntax_fault(path: Path, error: SyntaxError | ValueError) -> str:
    """Return what is wrong with a source that is no Python, and where."""
    if not isinstance(error, SyntaxError):
        return f"{path}: {error}; correct the module"
    code = f" in {shown(error.text.strip())}" if error.text else ""
    return f"{path}:{error.lineno or 1}: {error.msg}{code}; correct the module"


def listed_files(folder: Path, names: frozenset[str]) -> Iterator[Path]:
    """Yield the files that a source finds in a folder: all of a package, else not those below.

    Args:
        folder: what is listed.
        names: texts of the source; a folder below that has one of these names is listed too.
    """
    is_package = (folder / "__init__.py").is_file()
    below = [folder / name for name in names if (folder / name).is_dir()]
    paths = folder.rglob("*") if is_package else folder.glob("*")
    for path in sorted({*paths, *(each for inner in below for each in inner.rglob("*"))}):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden:
            yield path


class Walk:
    """What was found on the way.

    `specs` has the module of each name that was asked for, `sources` what those of the user's say,
    `listed` the name below Python's path of each file in a folder that a source lists.
    """

    def __init__(self, search: Search, specs: dict[str, ModuleSpec | None], whole: bool) -> None:
        """Begin at some modules.

        Args:
            search: where modules are found.
            specs: the modules to begin at.
            whole: whether a name that is found nowhere is a fault.
        """
        self.search, self.specs, self.whole = search, specs, whole
        self.sources: dict[str, Source] = {}
        self.needs: dict[str, list[str]] = {}
        self.broken: dict[str, list[str]] = {}
        self.listed: dict[Path, str] = {}

    def spec(self, name: str) -> ModuleSpec | None:
        """Return a module of the user's, ELSEWHERE, or None; take the first one in."""
        if name not in self.specs:
            parent = name.rpartition(".")[0]
            above = self.spec(parent) if parent else None
            spec = below(above, name) if above else None
            self.specs[name] = spec if parent else self.search.top(name)
        return self.specs[name]

    def ours(self) -> dict[str, ModuleSpec]:
        """Return the modules of the user's that have a file."""
        return {
            name: spec
            for name, spec in self.specs.items()
            if spec is not None and spec is not ELSEWHERE and is_file(spec)
        }

    def run(self) -> None:
        """Follow all imports of what was taken in."""
        while waiting := [name for name in self.ours() if name not in self.needs]:
            for name in waiting:
                self._read(name, self.ours()[name])

    def _read(self, name: str, spec: ModuleSpec) -> None:
        self.needs[name], self.broken[name] = [], []
        path = Path(spec.origin or "")
        if path.suffix != ".py":
            return
        try:
            self.sources[name] = module_imports.read(path.read_bytes(), str(path))
        except (SyntaxError, ValueError) as error:
            self.broken[name].append(syntax_fault(path, error))
            return
        package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
        for wanted in self.sources[name].imports:
            self._take_example(package, wanted.name)
            self._follow(name, package, wanted, f"{path}:{wanted.line}")
        if self.sources[name].lists_folder:
            self._take_folders(path, package, self.sources[name])

    def _take_folders(self, path: Path, package: str, source: Source) -> None:
        """Take in all modules of a source's folder and of the packages that it imports."""
        folders = {path.parent: package}
        for each in source.imports:
            spec = self.specs.get(each.name)
            for place in (spec and spec.submodule_search_locations) or ():
                folders[Path(place)] = each.name
        for folder, around in folders.items():
            for file in listed_files(folder, source.names):
                self.listed[file] = f"{around.replace('.', '/')}/{file.relative_to(folder)}"
                self._take_file(file.relative_to(folder), around)

    def _take_file(self, file: Path, package: str) -> None:
        parts = [part for part in file.with_suffix("").parts if part != "__init__"]
        if file.suffix == ".py" and parts and all(part.isidentifier() for part in parts):
            with contextlib.suppress(ClashError):  # Nothing says that this one is imported.
                self.spec(".".join([package, *parts] if package else parts))

    def _take_example(self, package: str, wanted: str) -> None:
        """Take in a module of TFX's examples that a user copied beside his own."""
        name = wanted.rpartition(".")[2]
        file = self.search.beside(name) if wanted.startswith(EXAMPLES) else None
        if file:
            name = f"{package}.{name}" if package else name
            self.specs.setdefault(name, importlib.util.spec_from_file_location(name, file))

    def _follow(self, name: str, package: str, wanted: Import, place: str) -> None:
        try:
            target = importlib.util.resolve_name(wanted.name, package)
            spec = self.spec(target)
        except ImportError as error:
            spec, target = None, wanted.name
            absent = str(error)
        except ClashError as error:
            self.broken[name].append(f"{place}: {error}")
            return
        else:
            absent = f"there is no module {target}; {REMEDY}"
        if wanted.is_certain and spec is not None:
            parts = target.split(".")
            self.needs[name] += [".".join(parts[: n + 1]) for n in range(len(parts))]
        fault = absent if self._is_absent(target, spec, wanted.is_member) else ""
        if spec is ELSEWHERE and self.whole and tfx_names.is_in_use():
            fault = self._fault_of_tfx(target)
        if wanted.is_certain and fault:
            self.broken[name].append(f"{place}: {fault}")

    def _is_absent(self, target: str, spec: ModuleSpec | None, is_member: bool) -> bool:
        of_the_user = self.specs.get(target.partition(".")[0]) is not None
        return spec is None and not is_member and (self.whole or of_the_user)

    def _fault_of_tfx(self, target: str) -> str:
        """Return what is said about a name that Kanaria lacks of TFX; "" for any other."""
        beside = supported_names.beside(target)
        if beside:
            return "" if self.search.beside(beside) else supported_names.advice(target)
        return (
            supported_names.fault(target) if target.partition(".")[0] == supported_names.TOP else ""
        )

    def faults(self, entry: str) -> list[str]:
        """Return what makes the import of the entry fail, however the code branches."""
        if any(source.touches_search for source in self.sources.values()):
            return []
        reached, waiting = set(), [entry]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += self.needs.get(name, [])
        return [fault for name in sorted(reached) for fault in self.broken.get(name, [])]
