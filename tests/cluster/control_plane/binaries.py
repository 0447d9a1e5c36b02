"""Builds the programs of a level from Go modules, once.

The folders under `go/` are main modules: they fix the versions, and `go.sum` the contents. There
are several because the projects' dependencies do not fit into one module.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from control_plane.errors import ControlPlaneError
from control_plane.layout import BINARIES, CODE

KUBERNETES_VERSION = "1.34.4"
_VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """Programs that one call of the Go compiler makes.

    Attributes:
        module: folder under `go/`.
        programs: name of the file -> its Go package.
        variables: package variable -> the value that the linker writes into it.
    """

    module: str
    programs: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)


# Without its version the API server calls itself v0.0.0-master, which Knative refuses.
_KUBERNETES = {
    f"{package}.{variable}": value
    for package in _VERSION_PACKAGES
    for variable, value in (
        ("gitVersion", f"v{KUBERNETES_VERSION}"),
        ("gitMajor", KUBERNETES_VERSION.split(".")[0]),
        ("gitMinor", KUBERNETES_VERSION.split(".")[1]),
        ("gitCommit", "unknown"),
        ("buildDate", "1970-01-01T00:00:00Z"),
    )
}

CONTROL_PLANE = (
    Build(
        module="kubernetes",
        programs={
            "etcd": "go.etcd.io/etcd/server/v3",
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
            "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
            "kubectl": "k8s.io/kubernetes/cmd/kubectl",
            "cluster-dns": "./cluster-dns",
        },
        variables=_KUBERNETES,
    ),
    Build(
        module="knative",
        programs={
            "knative-webhook": "knative.dev/serving/cmd/webhook",
            "knative-controller": "knative.dev/serving/cmd/controller",
            "knative-autoscaler": "knative.dev/serving/cmd/autoscaler",
            "knative-activator": "knative.dev/serving/cmd/activator",
        },
    ),
    Build(module="kserve", programs={"kserve-manager": "github.com/kserve/kserve/cmd/manager"}),
    Build(module="traefik", programs={"traefik": "github.com/traefik/traefik/v3/cmd/traefik"}),
)
SIMULATED_NODES = (Build(module="kwok", programs={"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),)
REAL_NODE = (
    Build(
        module="kubernetes",
        programs={
            "kubelet": "k8s.io/kubernetes/cmd/kubelet",
            "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
            "pause": "./pause",
        },
        variables=_KUBERNETES,
    ),
    Build(
        module="cni",
        programs={
            "bridge": "github.com/containernetworking/plugins/plugins/main/bridge",
            "loopback": "github.com/containernetworking/plugins/plugins/main/loopback",
            "host-local": "github.com/containernetworking/plugins/plugins/ipam/host-local",
            "portmap": "github.com/containernetworking/plugins/plugins/meta/portmap",
        },
    ),
    Build(module="knative", programs={"queue": "knative.dev/serving/cmd/queue"}),
    Build(module="kserve", programs={"agent": "github.com/kserve/kserve/cmd/agent"}),
    Build(module="contour", programs={"contour": "github.com/projectcontour/contour/cmd/contour"}),
)

# Beam's own runner that speaks the protocol of job servers, which make test-beam needs.
PRISM = (Build(module="prism", programs={"prism": "github.com/apache/beam/sdks/v2/go/cmd/prism"}),)


def build(builds: Iterable[Build]) -> None:
    """Build what is missing or out of date."""
    BINARIES.mkdir(parents=True, exist_ok=True)
    for one in builds:
        _build(one)


def module_folder(module: str, dependency: str) -> Path:
    """Return where the module cache holds `dependency` in the version that `go/module` selects.

    It must be in the cache, so `build` comes first: the sandbox has no way out.
    """
    folder = _go(["list", "-m", "-f", "{{.Dir}}", dependency], module).strip()
    if not folder:
        raise ControlPlaneError(f"{dependency}: not in the Go module cache; build {module} first")
    return Path(folder)


def _build(one: Build) -> None:
    key = _key(one)
    stamp = BINARIES / f".{next(iter(one.programs))}.built"
    whole = all((BINARIES / name).exists() for name in one.programs)
    if whole and stamp.exists() and stamp.read_text() == key:
        return
    print(f"building {', '.join(one.programs)}", flush=True)
    stamp.unlink(missing_ok=True)
    variables = [f"-X {name}={value}" for name, value in one.variables.items()]
    flags = ["-trimpath", "-ldflags", " ".join(["-s", "-w", *variables])]
    folder = BINARIES / f".{stamp.name}.new"
    shutil.rmtree(folder, ignore_errors=True)
    _go(["build", *flags, "-o", f"{folder}/", *one.programs.values()], one.module)
    for name, package in one.programs.items():
        (folder / _output(package)).replace(BINARIES / name)
    folder.rmdir()
    stamp.write_text(key)


def _key(one: Build) -> str:
    """All that the programs follow from, but for the compiler."""
    folder = CODE / "go" / one.module
    names = ("go.mod", "go.sum", *(f"{package}/main.go" for package in _own(one)))
    return json.dumps([[(folder / name).read_text() for name in names], one.programs])


def _own(one: Build) -> list[str]:
    return [package for package in one.programs.values() if package.startswith("./")]


def _output(package: str) -> str:
    """The name that Go gives a program: its folder's, but for a major version's folder."""
    parts = package.split("/")
    return parts[-2] if parts[-1].removeprefix("v").isdigit() else parts[-1]


def _go(arguments: Sequence[str], module: str) -> str:
    # Both variables fix what a person's own settings could change.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    try:
        done = subprocess.run(
            ["go", *arguments],
            cwd=CODE / "go" / module,
            env=environment,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise ControlPlaneError("go: not found; install Go 1.26 or newer") from None
    if done.returncode:
        raise ControlPlaneError(f"go {arguments[0]} in go/{module} failed:\n{done.stderr[-4000:]}")
    return done.stdout
