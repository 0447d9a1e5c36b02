"""The state folder of local serving: applied manifests, revisions and status, written atomically.

<state>/server.json, server.lock              the server that is live on this folder
<state>/<namespace>/<name>/manifest.yaml      what is applied (desired)
<state>/<namespace>/<name>/status.json        revisions and KServe's status (observed)
<state>/<namespace>/<name>/<revision>.log     output of a revision's predictor
<state>/<namespace>/<name>/models/            copies of models in object stores, one a URI
"""

import fcntl
import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from kanaria.components.shared import private, storage, yaml_text
from kanaria.components.shared.document_format import DocumentFormat
from kanaria.components.shared.errors import NotReadyError, ParameterError, shown
from kanaria.components.shared.parameters import Faults
from kanaria.serving.inference_service.check import NAME, PROTOCOLS
from kanaria.serving.inference_service.manifest import API_VERSION, KIND
from kanaria.serving.local.payload_events import LogRule, check_logger

MANIFEST, STATUS, SERVER, LOCK = "manifest.yaml", "status.json", "server.json", "server.lock"
MIRRORED = "kanaria.io/mirrored-percent"
"""Annotation of a manifest: percent of the requests that its revision gets a copy of."""
PERCENT = re.compile("[0-9]{1,2}|100")
CHANGE_LOCK, SERVER_LOG = "change.lock", "server.log"
LOCK_SECONDS = 2.0
FORMAT = DocumentFormat()
"""Of status.json and server.json; manifest.yaml has the apiVersion of KServe."""
MAX_LINE_LENGTH, TAIL_BYTES = 500, 8192


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """One revision.

    Attributes:
        name: of the revision.
        template: fingerprint of what made it.
        storage_uri: parent folder of the model.
        protocol: "v1" or "v2".
        log: where its requests and responses are logged.
    """

    name: str
    template: str
    storage_uri: str
    protocol: str
    log: LogRule = field(default_factory=LogRule)


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What the server has made of a manifest.

    Attributes:
        applied: digest of the manifest that was taken over last.
        percent: its `canaryTrafficPercent`, or None.
        mirrored: percent of the requests that are copied to the newest revision.
        revisions: the newest last.
        ready: names of those that became ready once.
        stable: the rolled-out revision, or "".
        previous: the one before it, or "".
        failures: revision -> why its model does not load.
        status: KServe's status, with its field names.
    """

    applied: str = ""
    percent: int | None = None
    mirrored: int = 0
    revisions: tuple[Revision, ...] = ()
    ready: tuple[str, ...] = ()
    stable: str = ""
    previous: str = ""
    failures: dict[str, str] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)


def load_manifests(path: Path) -> list[dict[str, Any]]:
    """Read InferenceServices from a YAML file with one or more documents.

    Raises:
        ParameterError: the file cannot be read, or a document is no v1beta1 InferenceService.
    """
    found = [document for document in yaml_text.read_all(path) if document is not None]
    for document in found:
        check(document, str(path))
    if not found:
        raise ParameterError(f"{path}: holds no InferenceService")
    return found


def check(document: Any, where: str) -> None:
    """Raise ParameterError unless `document` is an InferenceService this server can run."""
    is_service = isinstance(document, dict) and (
        (document.get("apiVersion"), document.get("kind")) == (API_VERSION, KIND)
    )
    if not is_service:
        raise ParameterError(f"{where}: not a {API_VERSION} {KIND}: {shown(document)}")
    faults = Faults(where)
    metadata = _part(document, "metadata", faults)
    predictor = _part(_part(document, "spec", faults), "predictor", faults)
    model = _part(predictor, "model", faults)
    for field_name, value in (
        ("name", metadata.get("name")),
        ("namespace", metadata.get("namespace", "default")),
    ):
        valid = isinstance(value, str) and bool(NAME.fullmatch(value))
        faults.check(valid, f"metadata.{field_name}", value, "use lower-case letters, digits, '-'")
    kind = _part(model, "modelFormat", faults).get("name")
    faults.check(kind == "tensorflow", "modelFormat.name", kind, "local serving runs tensorflow")
    protocol = model.get("protocolVersion", "v1")
    faults.check(protocol in PROTOCOLS, "protocolVersion", protocol, "local serving speaks v1, v2")
    _check_uri(model.get("storageUri"), faults)
    _part(metadata, "labels", faults)
    percent = predictor.get("canaryTrafficPercent")
    fits = percent is None or (type(percent) is int and 0 <= percent <= 100)
    faults.check(fits, "canaryTrafficPercent", percent, "use 0 to 100")
    mirrored = _part(metadata, "annotations", faults).get(MIRRORED, "0")
    fits = isinstance(mirrored, str) and bool(PERCENT.fullmatch(mirrored))
    faults.check(fits, MIRRORED, mirrored, 'write "0" to "100"')
    check_logger(predictor.get("logger"), faults)
    faults.raise_if_any()


def _part(document: Mapping[str, Any], name: str, faults: Faults) -> dict[str, Any]:
    """Return a part of a manifest, {} where it is absent or, which is a fault, no mapping."""
    part = document.get(name) or {}
    faults.check(isinstance(part, dict), name, part, "write a mapping of its fields")
    return part if isinstance(part, dict) else {}


def _check_uri(uri: Any, faults: Faults) -> None:
    """The state outlives the current folder of whoever applied, so relative paths are refused."""
    usable = isinstance(uri, str)
    if usable and not storage.is_remote(uri):
        try:
            usable = storage.local_path(uri).is_absolute()
        except ParameterError as error:
            faults.add(str(error))
            return
    faults.check(usable, "storageUri", uri, "use an absolute path, file://, s3:// or gs://")


class Service:
    """The folder of one service."""

    def __init__(self, state: Path, namespace: str, name: str) -> None:
        """Name the folder; nothing is made before something is written."""
        self.namespace, self.name = namespace, name
        self.folder = state / namespace / name

    def manifest(self) -> dict[str, Any] | None:
        """Return the applied manifest, or None.

        Raises:
            ParameterError: somebody edited it, and it is no YAML.
        """
        path = self.folder / MANIFEST
        return yaml_text.read(path) if path.exists() else None

    def applied(self) -> str:
        """Return the digest of the applied manifest."""
        return hashlib.sha256((self.folder / MANIFEST).read_bytes()).hexdigest()

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any] | None]:
        """Hold the service for one change and yield the applied manifest, or None."""
        private.folder(self.folder)
        with private.opened(self.folder / CHANGE_LOCK, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield self.manifest()

    def apply(self, manifest: dict[str, Any]) -> None:
        """Apply a manifest; call it while `changing`."""
        private.write_text(self.folder / MANIFEST, yaml_text.dump(manifest))

    def observed(self) -> Observed:
        """Return what was last observed."""
        path = self.folder / STATUS
        if not path.exists():
            return Observed()
        raw = FORMAT.current(json.loads(path.read_text(encoding="utf-8")), str(path))
        revisions = tuple(_revision(fields) for fields in raw.pop("revisions"))
        return Observed(revisions=revisions, ready=tuple(raw.pop("ready")), **raw)

    def write_observed(self, observed: Observed) -> None:
        """Write what is observed now."""
        private.write_text(
            self.folder / STATUS, json.dumps(FORMAT.numbered(asdict(observed)), indent=1)
        )

    def log(self, revision: str) -> Path:
        """Return the path of a revision's log."""
        return self.folder / f"{revision}.log"

    def models(self) -> Path:
        """Return the folder for copies of remote models."""
        return self.folder / "models"


def _revision(raw: dict[str, Any]) -> Revision:
    log = raw.pop("log", {})
    return Revision(**raw, log=LogRule(**log | {"headers": tuple(log.get("headers", ()))}))


def services(state: Path) -> list[Service]:
    """Return every service with an applied manifest."""
    found = sorted(state.glob(f"*/*/{MANIFEST}"))
    return [Service(state, path.parent.parent.name, path.parent.name) for path in found]


def service_of(state: Path, manifest: dict[str, Any]) -> Service:
    """Return the service a checked manifest names; its namespace is "default" if it names none."""
    metadata = manifest["metadata"]
    return Service(state, metadata.get("namespace", "default"), metadata["name"])


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


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def served(state: Path) -> Iterator[None]:
    """Hold the folder for one server.

    Raises:
        NotReadyError: another server holds it.
    """
    private.folder(state)
    with private.opened(state / LOCK, "a") as file:
        # Whoever asks whether a server is live holds the lock for a moment.
        deadline = time.monotonic() + LOCK_SECONDS
        while not _locked(file):
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"{state}: another server is live on this folder; stop it first"
                )
            time.sleep(0.05)
        (state / SERVER).unlink(missing_ok=True)
        yield


def announce(state: Path, url: str) -> None:
    """Tell others where the live server answers."""
    private.write_text(state / SERVER, json.dumps(FORMAT.numbered({"url": url})))


def last_line(log: Path, start: int = 0) -> str:
    """Return the last line of a log that says something, from byte `start` on; at most 500 long."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(start, size - TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    found = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return found[:MAX_LINE_LENGTH]
