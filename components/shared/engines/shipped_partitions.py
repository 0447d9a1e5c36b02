"""Files of partitions for workers that do not see this machine's folders.

A step's files lie in its pod's own folder. A worker on another machine gets those of its partition
with it, and what it writes comes back. Files are told by their type: every `Path` of a partition,
at any depth of tuples, lists, dictionaries and dataclasses. What exists when the work begins is
read, what does not is written. A partition that is a part of a file says so by a method
`alone(folder)`, which writes that part as a file of the folder and returns its partition.
"""

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Content = Mapping[str, bytes]
"""Name below a folder -> bytes of that file; a file alone has the name ""."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """A partition with the files that it names.

    Attributes:
        partition: as the step made it.
        files: what it reads; path -> what is there.
        targets: what it will write.
    """

    partition: Any
    files: Mapping[Path, Content] = field(default_factory=dict)
    targets: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """What the work on a parcel returned, and the files that it wrote."""

    result: Any
    files: Mapping[Path, Content]


def paths(value: Any) -> list[Path]:
    """Return every path in a partition, each once, in order."""
    return list(dict.fromkeys(_paths(value)))


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    for inner in _inner(value):
        yield from _paths(inner)


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        return list(value)
    return list(_fields(value).values())


def _fields(value: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return {}
    return {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.init}


def moved(value: Any, places: Mapping[Path, Path]) -> Any:
    """Return the same value with every path that is in `places` replaced."""
    if isinstance(value, Path):
        return places.get(value, value)
    return _rebuilt(value, lambda inner: moved(inner, places))


def _rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return the same value with everything right inside it changed."""
    if isinstance(value, dict):
        return {change(key): change(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        changed = [change(inner) for inner in value]
        return type(value)(*changed) if hasattr(value, "_fields") else type(value)(changed)
    fields = {name: change(inner) for name, inner in _fields(value).items()}
    return dataclasses.replace(value, **fields) if fields else value


def size(parcel: Parcel) -> int:
    """Return the bytes of the files that a parcel carries."""
    return sum(len(data) for content in parcel.files.values() for data in content.values())


def packed(partition: Any) -> Parcel:
    """Return a partition with the contents of all files that exist now, or of its part of them."""
    with tempfile.TemporaryDirectory(prefix="kanaria-") as folder:
        alone = _alone(partition, Path(folder))
        named = paths(alone)
        return Parcel(
            partition=alone,
            files={path: _content(path) for path in named if path.exists()},
            targets=tuple(path for path in named if not path.exists()),
        )


def _alone(value: Any, folder: Path) -> Any:
    """Return the partition with every part of a file as a file of its own, in folders below."""
    if hasattr(value, "alone"):
        own = folder / str(len(list(folder.iterdir())))
        own.mkdir()
        return value.alone(own)
    return _rebuilt(value, lambda inner: _alone(inner, folder))


def worked(work: Callable[[Any], Any], parcel: Parcel) -> Returned:
    """Do the work on a parcel in a folder of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="kanaria-") as folder:
        named = [*parcel.files, *parcel.targets]
        # The folders above stay, since their names may say what a file is.
        places = {path: Path(folder) / str(path.absolute()).lstrip("/") for path in named}
        for path, content in parcel.files.items():
            _write(places[path], content)
        for path in parcel.targets:
            places[path].parent.mkdir(parents=True, exist_ok=True)
        result = work(moved(parcel.partition, places))
        written = {path: _content(places[path]) for path in parcel.targets if places[path].exists()}
        back = {place: path for path, place in places.items()}
        return Returned(result=moved(result, back), files=written)


def unpacked(returned: Returned) -> Any:
    """Write the files that came back to where the step wanted them, and return the result."""
    for path, content in returned.files.items():
        _write(path, content)
    return returned.result


def _below(path: Path) -> list[Path]:
    """Return the files at or below a path, in order; none where nothing is."""
    return sorted(one for one in (path, *path.rglob("*")) if one.is_file())


def _content(path: Path) -> Content:
    files = _below(path)
    return {
        "" if file == path else str(file.relative_to(path)): file.read_bytes() for file in files
    }


def _write(path: Path, content: Content) -> None:
    if "" not in content:
        path.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        target = path / name if name else path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
