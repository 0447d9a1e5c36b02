"""Rollouts in the state folder of local serving; `flock` stands for compare-and-swap.

<state>/<namespace>/<service>/rollouts/
    lock                    held for one change
    <number>.json           the rollout
    <number>.entries        its audit record, one JSON line an entry
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kanaria.components.shared.errors import ConflictError, DataError
from kanaria.components.shared.storage import owner_only_files
from kanaria.serving.rollout.control.rollout_store import Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout, from_json, to_json
from kanaria.serving.rollout.decision.audit_record import Entry, from_line, to_line

FOLDER = "rollouts"


class FileStore:
    """The Store of one state folder, `folder`."""

    def __init__(self, state: Path) -> None:
        """Name the folder; nothing is made before something is kept."""
        self.folder = state

    def load(self, namespace: str, service: str, number: int | None = None) -> Stored | None:
        """Return a service's newest rollout, or that of a number; None where there is none."""
        if number is not None:
            path = self._folder(namespace, service) / f"{number}.json"
            return _read(path) if path.exists() else None
        paths = [path for path in self._folder(namespace, service).glob("*.json") if _is_kept(path)]
        return _read(max(paths, key=_number)) if paths else None

    def create(self, rollout: Rollout) -> None:
        """Keep the first rollout of a service, or, when the one before is over, the next."""
        folder = self._folder(rollout.target.namespace, rollout.target.service)
        with _locked(folder):
            last = self.load(rollout.target.namespace, rollout.target.service)
            expected = last.rollout.number + 1 if last else 1
            if rollout.number != expected or (last and last.rollout.governs):
                raise ConflictError(f"{rollout.title}: another rollout was started in between")
            (folder / f"{rollout.number}.entries").unlink(missing_ok=True)
            owner_only_files.write_text(folder / f"{rollout.number}.json", to_json(rollout))

    def save(self, rollout: Rollout, version: str, entry: Entry | None = None) -> Stored:
        """Replace the rollout read at `version`; add the entry to its record in the same write."""
        folder = self._folder(rollout.target.namespace, rollout.target.service)
        path = folder / f"{rollout.number}.json"
        with _locked(folder):
            before = _read(path)
            if before.version != version:
                raise ConflictError(f"{rollout.title}: it has changed since it was read")
            if entry is not None:
                _append(path.with_suffix(".entries"), before.rollout.entries, entry)
                rollout = replace(rollout, entries=before.rollout.entries + 1)
            owner_only_files.write_text(path, to_json(rollout))
            return _read(path)

    def entries(self, namespace: str, service: str, number: int) -> tuple[Entry, ...]:
        """Return the audit record of a rollout, oldest entry first."""
        path = self._folder(namespace, service) / f"{number}.json"
        if not path.exists():
            raise DataError(f"{namespace}/{service}: there is no rollout {number}")
        count = _read(path).rollout.entries
        lines = _lines(path.with_suffix(".entries"))[:count]
        if len(lines) < count:
            raise DataError(f"{path}: {count} entries were kept, {len(lines)} are there")
        return tuple(from_line(line) for line in lines)

    def services(self, namespace: str) -> tuple[str, ...]:
        """Return the names of the services in the namespace that have a rollout."""
        paths = (self.folder / namespace).glob(f"*/{FOLDER}/*.json")
        return tuple(sorted({path.parent.parent.name for path in paths if _is_kept(path)}))

    def _folder(self, namespace: str, service: str) -> Path:
        return self.folder / namespace / service / FOLDER


def _number(path: Path) -> int:
    return int(path.stem)


def _is_kept(path: Path) -> bool:
    """Tell whether a file is one of ours, and not a copy that somebody has put beside it."""
    return path.stem.isdecimal()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}): restore it") from error


def _read(path: Path) -> Stored:
    text = _text(path)
    version = hashlib.sha256(text.encode()).hexdigest()
    return Stored(rollout=from_json(text, str(path)), version=version)


def _lines(path: Path) -> list[str]:
    return _text(path).splitlines() if path.exists() else []


def _append(path: Path, count: int, entry: Entry) -> None:
    """Add a line after the first `count`; what a writer that died left after them goes."""
    lines = [*_lines(path)[:count], to_line(entry)]
    owner_only_files.write_text(path, "".join(f"{line}\n" for line in lines))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    owner_only_files.folder(folder)
    with owner_only_files.opened(folder / "lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
