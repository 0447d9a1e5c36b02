"""The state folder of local serving: applied manifests, revisions and status, written atomically.

<state>/server.json, server.lock              the server that is live on this folder
<state>/users.lock                            who uses a server that was started for them
<state>/<namespace>/<name>/manifest.yaml      what is applied (desired)
<state>/<namespace>/<name>/manifest.sha256    digest of what was applied by Kanaria, and not by hand
<state>/<namespace>/<name>/status.json        revisions and KServe's status (observed)
<state>/<namespace>/<name>/<revision>.log     output of a revision's predictor
<state>/<namespace>/<name>/models/            copies of models in object stores, one a URI
"""

import fcntl
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError
from kanaria.components.shared.storage import owner_only_files
from kanaria.serving.local.state.manifest_check import check as check
from kanaria.serving.local.state.manifest_check import checked_manifest, namespace_of
from kanaria.serving.local.state.status_document import Observed as Observed
from kanaria.serving.local.state.status_document import Revision as Revision
from kanaria.serving.local.state.status_document import parse

MANIFEST, STATUS, SERVER, LOCK = "manifest.yaml", "status.json", "server.json", "server.lock"
WRITTEN = "manifest.sha256"
CHANGE_LOCK, SERVER_LOG = "change.lock", "server.log"
LOCK_SECONDS = 2.0
FORMAT = DocumentFormat()
"""Of status.json and server.json; manifest.yaml has the apiVersion of KServe."""
MAX_LINE_LENGTH, TAIL_BYTES = 500, 8192


def load_manifests(path: Path) -> list[dict[str, Any]]:
    """Read InferenceServices from a YAML file with one or more documents.

    Raises:
        ParameterError: the file cannot be read, a document is no InferenceService that can be run
            here, or two are of one service.
    """
    read = [document for document in yaml_text.read_all(path) if document is not None]
    if not read:
        raise ParameterError(f"{path}: holds no InferenceService")
    manifests = [checked_manifest(document, str(path)) for document in read]
    names = [full_name(manifest) for manifest in manifests]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(f"{path}: {', '.join(twice)} stands twice; write it once")
    return manifests


class Service:
    """The folder of one service."""

    def __init__(self, state: Path, namespace: str, name: str) -> None:
        """Name the folder; nothing is made before something is written."""
        self.namespace, self.name = namespace, name
        self.full_name = f"{namespace}/{name}"
        self.folder = state / namespace / name

    def manifest(self) -> dict[str, Any] | None:
        """Return the applied manifest as `manifest_check.checked_manifest` returns it, or None.

        Raises:
            ParameterError: somebody edited it, and it cannot be run.
        """
        path = self.folder / MANIFEST
        if not path.exists():
            return None
        _require_file(path)
        read = yaml_text.read(path)
        if read is None:
            raise ParameterError(f"{path}: is empty; write the manifest again")
        manifest = checked_manifest(read, str(path))
        if full_name(manifest) != self.full_name:
            wrong = f"names {full_name(manifest)} in the folder of {self.full_name}"
            raise ParameterError(f"{path}: {wrong}; a service keeps its name")
        return manifest

    def applied(self) -> str:
        """Return the digest of the applied manifest."""
        path = self.folder / MANIFEST
        _require_file(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def is_as_written(self) -> bool:
        """Tell whether the manifest is what `apply` wrote last: it is no half of one then."""
        written = self.folder / WRITTEN
        return written.is_file() and written.read_text(encoding="utf-8") == self.applied()

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any] | None]:
        """Hold the service for one change and yield the applied manifest, or None."""
        with self._held():
            yield self.manifest()

    @contextmanager
    def _held(self) -> Iterator[None]:
        owner_only_files.folder(self.folder)
        with owner_only_files.opened(self.folder / CHANGE_LOCK, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def apply(self, manifest: dict[str, Any]) -> None:
        """Apply a manifest; call it while `changing`."""
        text = yaml_text.dump(manifest)
        # First: whoever sees the manifest shall know it.
        owner_only_files.write_text(
            self.folder / WRITTEN, hashlib.sha256(text.encode()).hexdigest()
        )
        owner_only_files.write_text(self.folder / MANIFEST, text)

    def replace(self, manifest: dict[str, Any]) -> None:
        """Apply a manifest whatever is applied now."""
        with self._held():
            self.apply(manifest)

    def observed(self) -> Observed:
        """Return what was last observed.

        Raises:
            DataError: the file is damaged.
        """
        path = self.folder / STATUS
        if not path.exists():
            return Observed()
        _require_file(path)
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            return parse(FORMAT.current(raw, str(path)))
        except (ValueError, RecursionError) as error:
            remedy = "mend it, or remove it to begin anew with the applied manifest alone"
            raise DataError(f"{path}: damaged: {error}; {remedy}") from error

    def write_observed(self, observed: Observed) -> None:
        """Write what is observed now."""
        owner_only_files.write_text(
            self.folder / STATUS, json.dumps(FORMAT.numbered(asdict(observed)), indent=1)
        )

    def log(self, revision: str) -> Path:
        """Return the path of a revision's log."""
        return self.folder / f"{revision}.log"

    def models(self) -> Path:
        """Return the folder for copies of remote models."""
        return self.folder / "models"


def _require_file(path: Path) -> None:
    """Raise unless it is a file or a link to one: reading a pipe or a device might never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ParameterError(f"{path}: is no regular file; move it away")


def services(state: Path) -> list[Service]:
    """Return every service with an applied manifest."""
    manifests = sorted(state.glob(f"*/*/{MANIFEST}"))
    return [Service(state, path.parent.parent.name, path.parent.name) for path in manifests]


def service_of(state: Path, manifest: dict[str, Any]) -> Service:
    """Return the service a checked manifest names; its namespace is "default" if it names none."""
    metadata = manifest["metadata"]
    return Service(state, namespace_of(metadata), metadata["name"])


def full_name(manifest: Mapping[str, Any]) -> str:
    """Return `<namespace>/<name>` of a checked manifest."""
    metadata = manifest["metadata"]
    return f"{namespace_of(metadata)}/{metadata['name']}"


def revision_path(namespace: str, revision: str) -> str:
    """Return the path below a server's URL where one revision answers, whatever its share is."""
    return f"/revisions/{namespace}/{revision}"


def live_url(state: Path) -> str:
    """Return the URL of the server that is live on the folder, or ""."""
    lock, server = state / LOCK, state / SERVER
    if not lock.exists() or not server.exists():
        return ""
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _announced(server)
    return ""


def _announced(server: Path) -> str:
    """A server that is just starting has taken the lock but not told its URL yet."""
    try:
        text = server.read_text(encoding="utf-8")
        return str(FORMAT.current(json.loads(text), str(server))["url"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{server}: damaged; start the live server anew, it writes it") from error


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def claimed(state: Path) -> Iterator[IO[str] | None]:
    """Yield the folder's lock for a server that is about to be started, which goes on holding it.

    It is None where a server is live or about to be.
    """
    owner_only_files.folder(state)
    with owner_only_files.opened(state / LOCK, "a") as file:
        if not _locked(file):
            yield None
            return
        (state / SERVER).unlink(missing_ok=True)
        yield file


@contextmanager
def served(state: Path, lock: int | None = None) -> Iterator[None]:
    """Hold the folder for one server.

    Args:
        state: the folder.
        lock: descriptor of the lock that was `claimed` for this server, None for none.

    Raises:
        NotReadyError: another server holds it.
    """
    owner_only_files.folder(state)
    with _claim(state, lock) as file:
        # Whoever asks whether a server is live holds the lock for a moment.
        deadline = time.monotonic() + LOCK_SECONDS
        while not _locked(file):
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"{state}: another server is live on this folder; stop it, or wait for the run "
                    "that started it"
                )
            time.sleep(0.05)
        (state / SERVER).unlink(missing_ok=True)
        yield


def _claim(state: Path, lock: int | None) -> IO[str]:
    if lock is None:
        return owner_only_files.opened(state / LOCK, "a")
    os.set_inheritable(lock, False)  # A predictor that outlives the server must not hold it.
    return os.fdopen(lock, "a")


def announce(state: Path, url: str, grpc_address: str = "") -> None:
    """Tell others where the live server answers, in gRPC too unless that is ""."""
    grpc = {"grpc": grpc_address} if grpc_address else {}
    owner_only_files.write_text(state / SERVER, json.dumps(FORMAT.numbered({"url": url, **grpc})))


def last_line(log: Path, start: int = 0) -> str:
    """Return the last line of a log that says something, from byte `start` on; at most 500 long."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(start, size - TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return line[:MAX_LINE_LENGTH]
