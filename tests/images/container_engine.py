"""A container engine for the tests: the one that answers, else a dockerd of our own."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv/uv/bin/uv"
PROGRAM = os.environ.get("DOCKER", "docker")
NOT_TO_BE_FOUND = "nowhere-1b7f.invalid"
"""A host that the builds are told to reach without a proxy; no trace of it may be left."""
BUILT = re.compile(r" \d+ MB in \d+ s$")
"""How a line ends that says what was built."""
START_SECONDS = 60
STOP_SECONDS = 60
# A dockerd that leaves no bridge and no firewall rules; containers with a network use the host's.
PRIVATE = ["--storage-driver", "overlay2", "--bridge=none", "--iptables=false"]
PRIVATE += ["--ip-forward=false"]
# How every container runs: as the image's user, with nothing a pod under "restricted" lacks.
RESTRICTED = ["--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
RESTRICTED += ["--security-opt", "no-new-privileges", "--network", "none"]


@dataclass(frozen=True)
class Engine:
    """A container engine that answers; `flags` are what its builds need to reach an index."""

    flags: str

    def __call__(self, *arguments: str | Path) -> str:
        """Run the engine's command line and return what it printed."""
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def in_container(self, image: str, *command: str, options: tuple[str, ...] = ()) -> str:
        """Run a command in a restricted container and return what it printed."""
        return self("run", *RESTRICTED, *options, image, *command)

    def inspect(self, image: str) -> dict[str, Any]:
        """Return what the engine says of an image."""
        return json.loads(self("image", "inspect", image))[0]

    def layers(self, image: str) -> list[str]:
        """Return the digests of an image's layers, the base's first."""
        return self.inspect(image)["RootFS"]["Layers"]


def output_of(command: list[str | Path], cwd: Path) -> str:
    """Run a command and return what it printed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def answers() -> bool:
    """Tell whether an engine answers now."""
    return subprocess.run([PROGRAM, "info"], capture_output=True).returncode == 0


@contextmanager
def own_dockerd() -> Iterator[None]:
    """Run a dockerd in a temporary folder; nothing of it is left afterwards."""
    for program in ("dockerd", "debootstrap"):
        assert shutil.which(program), f"{program} is missing: apt-get install docker.io debootstrap"
    assert os.geteuid() == 0, "no container engine answers; only root can start one"
    folder = Path(tempfile.mkdtemp(prefix="kanaria-engine-"))
    socket = f"unix://{folder}/docker.sock"
    places: list[str | Path] = ["--data-root", folder / "data", "--exec-root", folder / "run"]
    places += ["--pidfile", folder / "pid", "--host", socket]
    # The engine stops too if these tests are killed.
    command = ["setpriv", "--pdeathsig", "TERM", "nice", "dockerd", *PRIVATE, *places]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    os.environ["DOCKER_HOST"] = socket
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            output = (folder / "log").read_text()[-2000:]
            assert process.poll() is None and time.monotonic() < deadline, output
            time.sleep(0.2)
        yield
    finally:
        del os.environ["DOCKER_HOST"]
        process.terminate()
        process.wait(STOP_SECONDS)
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for path in reversed([path for path in mounted if path.startswith(f"{folder}/")]):
            subprocess.run(["umount", "--lazy", path], check=True)
        shutil.rmtree(folder)


@contextmanager
def engine() -> Iterator[Engine]:
    """Yield an engine."""
    if answers():
        yield Engine(flags=os.environ.get("BUILD_FLAGS", ""))
    else:
        with own_dockerd():
            yield Engine(flags="--network=host")


def make(
    target: str, folder: Path, docker: Engine, base: str, prefix: str, *settings: str
) -> list[str]:
    """Run a target that builds images in a checkout and return the lines that it printed."""
    command = ["make", "--no-print-directory", target, f"DOCKER={PROGRAM}", f"BASE_IMAGE={base}"]
    command += [f"IMAGE_PREFIX={prefix}", f"BUILD_FLAGS={docker.flags}", *settings]
    environment = {**os.environ, "NO_PROXY": NOT_TO_BE_FOUND}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
    return done.stdout.strip().splitlines()


def make_images(folder: Path, docker: Engine, base: str, prefix: str) -> list[str]:
    """Run `make images` in a checkout, print sizes and seconds and return the tags, training first.

    Both are built side by side, so either may be told last.
    """
    lines = make("images", folder, docker, base, prefix)
    built = sorted((line for line in lines if BUILT.search(line)), reverse=True)
    print("\n".join(built))  # pytest shows it with -s or -rP.
    return [line.split()[0] for line in built]
