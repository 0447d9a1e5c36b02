"""Where the control plane keeps its files, and the addresses inside its sandbox."""

import os
from pathlib import Path

CODE = Path(__file__).parent
MANIFESTS = CODE / "manifests"

# What is built once and used again; all else lives and dies with the sandbox.
_CACHES = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
CACHE = _CACHES / "kanaria" / "cluster"
BINARIES = CACHE / "bin"
IMAGES = CACHE / "images"
CONTAINERD = CACHE / "containerd"

# Inside the sandbox /run is a file system in memory of its own.
STATE = Path("/run/kanaria")
LOGS = STATE / "log"
TEMPORARY = STATE / "tmp"
CERTIFICATES = STATE / "certificates"
KUBECONFIG = STATE / "admin.kubeconfig"

# Nothing outside the sandbox sees these networks, so they cannot collide with real ones.
NODE_ADDRESS = "10.203.0.2"
POD_NETWORK = "10.204.0.0/24"
SIMULATED_POD_NETWORK = "10.205.0.0/16"
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
API_URL = f"https://{NODE_ADDRESS}:6443"
NODE_NAME = "node-0"
GPU_RESOURCE = "nvidia.com/gpu"
