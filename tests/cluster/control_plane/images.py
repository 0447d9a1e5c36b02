"""Builds the images of the pods as layers on disk, without a registry and without a daemon.

The base is Debian by debootstrap, the server's packages come from PyPI, everything else is a
program of ours. A layer is built once; an image is only put together on its way into containerd.
"""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from control_plane.binaries import module_folder
from control_plane.errors import ControlPlaneError
from control_plane.layout import BINARIES, CODE, IMAGES

REGISTRY = "kanaria.test"
TOOLS = ("debootstrap",)

_DEBIAN = "bookworm"
_PACKAGES = "python3,ca-certificates"
# Nobody reads manuals inside a container.
_WASTE = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
)
_SITE = "opt/site-packages"
_SERVER = "opt/kanaria"
_ROOT = CODE.parents[2]
_UV = _ROOT / ".venv/uv/bin/uv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image of the tests, `kanaria.test/NAME:1`.

    Attributes:
        name: of the image.
        layers: files below the folder of images, the base first.
        config: what a container starts with, as the OCI image specification names it.
    """

    name: str
    layers: tuple[str, ...]
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """How manifests name it."""
        return f"{REGISTRY}/{self.name}:1"

    def key(self) -> str:
        """Return a text that changes with the contents."""
        return json.dumps([[_digest(name) for name in self.layers], self.config])

    def write(self, archive: IO[bytes]) -> None:
        """Write the archive that `ctr images import` reads."""
        layers = [{"name": f"{name}.tar", "digest": _digest(name)} for name in self.layers]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one['digest']}" for one in layers]},
        }
        names = [one["name"] for one in layers]
        manifest = [{"Config": "config.json", "RepoTags": [self.reference], "Layers": names}]
        with tarfile.open(fileobj=archive, mode="w|") as tar:
            _add(tar, "manifest.json", manifest)
            _add(tar, "config.json", config)
            for name in names:
                tar.add(IMAGES / name, name)


def _program(name: str) -> Image:
    return Image(name=name, layers=(name,), config={"Entrypoint": [f"/{name}"], "User": "65532"})


PAUSE, QUEUE, AGENT = (_program(name) for name in ("pause", "queue", "agent"))
MODEL_SERVER = Image(
    name="model-server",
    layers=("debian", "site-packages", "server"),
    config={
        "Entrypoint": ["python3", f"/{_SERVER}/server.py"],
        "User": "1000",
        "Env": [
            "PATH=/usr/bin:/bin",
            "HOME=/tmp",
            "PYTHONDONTWRITEBYTECODE=1",
            f"PYTHONPATH=/{_SITE}",
        ],
    },
)
ALL = (PAUSE, QUEUE, AGENT, MODEL_SERVER)
INITIALIZER = ["python3", f"/{_SERVER}/initializer-entrypoint"]


def build() -> None:
    """Build the layers that are missing or out of date."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for image in (PAUSE, QUEUE, AGENT):
        _pack(image.name, BINARIES, [image.name])
    _once("debian", f"{_DEBIAN} {_PACKAGES}", _debian)
    requirements = CODE / "model_server/requirements.txt"
    locked = hashlib.sha256((_ROOT / "uv.lock").read_bytes()).hexdigest()
    _once("site-packages", requirements.read_text() + locked, _site_packages)
    _server()


def _debian(folder: Path) -> None:
    _run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _DEBIAN, folder)
    for waste in _WASTE:
        shutil.rmtree(folder / waste, ignore_errors=True)


def _site_packages(folder: Path) -> None:
    project = ["--project", str(_ROOT), "--frozen", "--extra", "serving", "--group", "servers"]
    locked = IMAGES / "locked.txt"
    _run(_UV, "export", "--quiet", *project, "--no-hashes", "--no-emit-project", "-o", locked)
    target = ["--target", str(folder / _SITE), "--python-version", "3.11"]
    target += ["--constraint", str(locked)]
    _run(_UV, "pip", "install", "--quiet", *target, "-r", CODE / "model_server/requirements.txt")
    locked.unlink()


def _server() -> None:
    """The server, and KServe's own script that downloads models before it starts."""
    scripts = "python/storage-initializer/scripts/initializer-entrypoint"
    initializer = module_folder("kserve", "github.com/kserve/kserve") / scripts
    with _new_folder("server") as folder:
        target = folder / _SERVER
        target.mkdir(parents=True)
        for source in (CODE / "model_server/server.py", initializer):
            shutil.copyfile(source, target / source.name)
        _pack("server", folder, ["opt"])


def _once(name: str, key: str, make: Callable[[Path], None]) -> None:
    stamp = IMAGES / f"{name}.key"
    if stamp.exists() and stamp.read_text() == key:
        return
    print(f"building the layer {name}", flush=True)
    stamp.unlink(missing_ok=True)
    with _new_folder(name) as folder:
        make(folder)
        _pack(name, folder, ["."])
    stamp.write_text(key)


@contextmanager
def _new_folder(name: str) -> Iterator[Path]:
    folder = IMAGES / f"{name}.new"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def _pack(name: str, folder: Path, names: Sequence[str]) -> None:
    """Write a layer, equal for equal files, and its digest."""
    layer = IMAGES / f"{name}.tar"
    fixed = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"]
    _run("tar", *fixed, "-cf", layer, "-C", folder, *names)
    with layer.open("rb") as packed:
        digest = hashlib.file_digest(packed, "sha256").hexdigest()
    (IMAGES / f"{name}.sha256").write_text(digest)


def _digest(layer: str) -> str:
    return (IMAGES / f"{layer}.sha256").read_text()


def _add(tar: tarfile.TarFile, name: str, document: Any) -> None:
    content = json.dumps(document).encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stdout + done.stderr)[-3000:]
        raise ControlPlaneError(f"{Path(command[0]).name} failed:\n{said}")
