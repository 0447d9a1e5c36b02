"""Manifests: read, rendered and applied."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from control_plane.errors import ControlPlaneError
from control_plane.layout import BINARIES, KUBECONFIG, NODE_ADDRESS
from control_plane.processes import wait

Manifest = dict[str, Any]

_CRD = "CustomResourceDefinition"
# The C reader is ten times as fast; the CRDs are megabytes.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def kubectl(*arguments: str | Path, text: str = "") -> str:
    """Run kubectl as administrator with `text` as its input; return its output.

    Raises:
        ControlPlaneError: it failed; with what it said.
    """
    done = subprocess.run(
        [BINARIES / "kubectl", *arguments],
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, "KUBECONFIG": str(KUBECONFIG)},
    )
    if done.returncode:
        raise ControlPlaneError(f"kubectl {arguments[0]}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def read(paths: Iterable[Path]) -> list[Manifest]:
    """Return the manifests of YAML files, in order."""
    return [one for path in paths for one in _parse(path.read_text(encoding="utf-8"))]


def rendered(folder: Path) -> list[Manifest]:
    """Return the manifests of a kustomization."""
    return _parse(kubectl("kustomize", folder))


def apply(manifests: Iterable[Manifest]) -> None:
    """Apply manifests on the server's side; definitions of resources first, then the rest."""
    listed = list(manifests)
    definitions = [one for one in listed if one["kind"] == _CRD]
    if definitions:
        _apply(definitions)
        names = [f"crd/{one['metadata']['name']}" for one in definitions]
        # kubectl gives up at once on a definition that has no conditions yet.
        wait("definitions", lambda: bool(kubectl("wait", "--for=condition=Established", *names)))
    if len(listed) > len(definitions):
        _apply([one for one in listed if one["kind"] != _CRD])


def of_kind(manifests: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    """Return the manifests of these kinds."""
    return [one for one in manifests if one["kind"] in kinds]


def namespace(name: str) -> Manifest:
    """Return a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(namespace: str, name: str, ports: Sequence[tuple[str, int, int]]) -> list[Manifest]:
    """Return a Service whose endpoint is a program of the sandbox, not a pod.

    Args:
        namespace: of the Service.
        name: of the Service.
        ports: name, port of the Service, port of the program.
    """
    metadata = {"name": name, "namespace": namespace}
    of_service = [{"name": key, "port": port, "targetPort": to} for key, port, to in ports]
    of_program = [{"name": key, "port": to} for key, _, to in ports]
    endpoints = [{"addresses": [{"ip": NODE_ADDRESS}], "ports": of_program}]
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": of_service},
        },
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": endpoints},
    ]


def _parse(text: str) -> list[Manifest]:
    return [one for one in yaml.load_all(text, _Loader) if one]


def _apply(manifests: Sequence[Manifest]) -> None:
    document = yaml.dump_all(manifests, Dumper=_Dumper)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=document)
