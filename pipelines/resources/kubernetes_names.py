"""Names, keys and paths as Kubernetes takes them, and what KFP keeps for itself. Pure.

Each check returns its value, or raises ValueError with the remedy, as pydantic wants it.

Sources: Kubernetes 1.34, apimachinery/pkg/util/validation; Kubeflow Pipelines 2.17,
backend/src/v2/compiler/argocompiler/container.go (its own volumes) and driver/k8s.go (how it
names those of the user).
"""

import re
from posixpath import normpath

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import shown

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEY_OF_DATA = re.compile(r"[-._a-zA-Z0-9]+")
FIELD = re.compile(r"(metadata|spec|status)\.[A-Za-z]+(\['[-A-Za-z0-9_./]+'\])?")
IMAGE = re.compile(r"[A-Za-z0-9][^\s]*")
PATH = re.compile(r"[^:\x00-\x1f\x7f]+")
PLAIN = re.compile(r"[-\w ./()]{1,80}")
DURATION = re.compile(r"([0-9]{1,9})([smhdw])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LONGEST_WAIT = 3600
"""Seconds between two tries: KFP's own limit."""
MOST_LABEL, MOST_SUBDOMAIN = 63, 253
KFP_FOLDERS = ("/gcs", "/s3", "/minio", "/.local", "/.cache", "/.config", "/kfp-launcher")
OF_THE_IMAGE = (
    "/bin",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/opt",
    "/opt/kanaria",
    "/proc",
    "/sbin",
    "/sys",
    "/usr",
)
"""Folders without which no step starts."""
KFP_VOLUMES = (
    "kfp-launcher",
    "gcs-scratch",
    "s3-scratch",
    "minio-scratch",
    "dot-local-scratch",
    "dot-cache-scratch",
    "dot-config-scratch",
)
KFP_LABELS = ("workflows.argoproj.io/", "pipelines.kubeflow.org/", "pipeline/")
"""Labels and annotations by which KFP and Argo know their pods begin so."""


def called(name: str) -> str:
    """Return a user's word as it stands in a message: as it is, unless that is odd or long."""
    return name if PLAIN.fullmatch(name) else shown(name, 80)


def _hold(holds: object, remedy: str) -> None:
    if not holds:
        raise ValueError(remedy)


def object_name(name: str) -> str:
    """Check the name of a Secret or ConfigMap."""
    fits = SUBDOMAIN.fullmatch(name) and len(name) <= MOST_SUBDOMAIN
    _hold(fits, "use lower-case letters, digits, '-' and '.'")
    return name


def volume_name(name: str) -> str:
    """Check the name of what is mounted: KFP gives the pod's volume the same name."""
    fits = LABEL.fullmatch(name) and len(name) <= MOST_LABEL
    remedy = "use lower-case letters, digits and '-', up to 63: KFP names the pod's volume after it"
    _hold(fits, remedy)
    _hold(name not in KFP_VOLUMES, "KFP has a volume of this name in each pod; use another")
    return name


def field_path(path: str) -> str:
    """Check the name of a field of the pod."""
    remedy = "use a field of the pod such as metadata.name, status.podIP or metadata.labels['x']"
    _hold(FIELD.fullmatch(path), remedy)
    return path


def label_key(key: str) -> str:
    """Check the key of a label or annotation: `[prefix/]name`."""
    prefix, slash, name = key.rpartition("/")
    fits = PART.fullmatch(name) and len(name) <= MOST_LABEL
    remedy = "use letters, digits, '-', '_' and '.', up to 63, after a prefix such as example.com/"
    _hold(fits and (not slash or (SUBDOMAIN.fullmatch(prefix) and len(prefix) <= 253)), remedy)
    return key


def own_key(key: str) -> str:
    """Check the key of a label or annotation that a pod gets."""
    _hold(not key.startswith(KFP_LABELS), "KFP sets these itself; use another prefix")
    return label_key(key)


def label_value(value: str) -> str:
    """Check the value of a label."""
    fits = not value or (PART.fullmatch(value) and len(value) <= MOST_LABEL)
    _hold(fits, "use letters, digits, '-', '_' and '.', up to 63, with letters or digits outside")
    return value


def variable(name: str) -> str:
    """Check the name of an environment variable."""
    _hold(VARIABLE.fullmatch(name), "use letters, digits and '_', with no digit first")
    return name


def data_key(key: str) -> str:
    """Check a key of a Secret or ConfigMap."""
    fits = KEY_OF_DATA.fullmatch(key) and len(key) <= MOST_SUBDOMAIN
    _hold(fits, "use letters, digits, '-', '_' and '.'")
    return key


def image(name: str) -> str:
    """Check the name of an image."""
    _hold(IMAGE.fullmatch(name), "name an image as registry.example.com/path/name:tag")
    return name


def mount_path(path: str) -> str:
    """Check where something is mounted; return it without a slash at its end."""
    _hold(path.startswith("/") and PATH.fullmatch(path), "use an absolute path without ':'")
    _hold(".." not in path.split("/"), "leave '..' out of it")
    normal = "/" + normpath(path).strip("/")
    hides = normal == "/" or normal in OF_THE_IMAGE
    _hold(not hides, "it would hide what the image has there; name another folder")
    _hold(normal not in KFP_FOLDERS, "KFP mounts a folder of its own there; use another")
    return normal


def sub_path(path: str) -> str:
    """Check a path inside a volume."""
    fits = PATH.fullmatch(path) and not path.startswith("/") and ".." not in path.split("/")
    _hold(fits, "use a path inside the volume, without '/' first and without '..'")
    return path


def seconds(duration: str) -> int:
    """Return the seconds of a duration as kfp writes it: 30s, 5m, 1h."""
    match = DURATION.fullmatch(duration)
    if match is None:
        raise ValueError("write a duration as 30s, 5m or 1h")
    return int(match[1]) * SECONDS[match[2]]


def wait(duration: str) -> str:
    """Check a time to wait before another try."""
    _hold(seconds(duration) <= LONGEST_WAIT, "KFP waits an hour at most; use up to 1h")
    return duration


def folder_name(path: str) -> str:
    """Return a name for the volume that is an empty folder at a path: dev-shm for /dev/shm."""
    plain = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "folder"
    if plain == path[1:].replace("/", "-") and len(plain) <= MOST_LABEL:
        return plain
    return f"{plain[:48].strip('-')}-{fingerprint.of_text(path)[:8]}"
