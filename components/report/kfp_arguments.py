"""What a run was started with, asked of Kubeflow Pipelines: no task is told another's arguments."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kanaria.components.shared.errors import DataError, NotReadyError, shown

ENDPOINT, TOKEN_PATH = "KF_PIPELINES_ENDPOINT", "KF_PIPELINES_SA_TOKEN_PATH"
"""Variables of KFP's own client: the server's address, and the file with a pod's token for it."""
SERVICE, PORT = "ML_PIPELINE_SERVICE_HOST", "ML_PIPELINE_SERVICE_PORT"
"""What Kubernetes sets in pods of the namespace that the server is in."""
IN_POD = "http://ml-pipeline.kubeflow.svc.cluster.local:8888"
MOUNTED = "/var/run/secrets/kubeflow/pipelines/token"
SECONDS = 10.0


def of_run(run_id: str, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return parameter -> what a run was started with, the pipeline's defaults with it.

    Args:
        run_id: KFP's id of the run.
        environment: the process'; outside of a cluster nobody is asked, and nothing is known.

    Raises:
        NotReadyError: the server does not answer, or answers with an error.
        DataError: what it answers is no run.
    """
    address = _address(environment)
    if not address:
        return {}
    document = _answer(f"{address}/apis/v2beta1/runs/{run_id}", environment)
    try:
        specification = document.get("pipeline_spec") or {}
        # A platform's settings stand beside the pipeline where it has some.
        root = (specification.get("pipeline_spec") or specification).get("root") or {}
        inputs = (root.get("inputDefinitions") or {}).get("parameters") or {}
        defaults = {n: each["defaultValue"] for n, each in inputs.items() if "defaultValue" in each}
        return {**defaults, **document["runtime_config"].get("parameters", {})}
    except (AttributeError, KeyError, TypeError) as error:
        raise DataError(f"{address}: no run of KFP ({shown(error)}); look at {ENDPOINT}") from error


def _address(environment: Mapping[str, str]) -> str:
    named = environment.get(ENDPOINT, "").rstrip("/")
    if named or "KUBERNETES_SERVICE_HOST" not in environment:
        return named
    host = environment.get(SERVICE, "")
    return f"http://{host}:{environment.get(PORT, '8888')}" if host else IN_POD


def _answer(url: str, environment: Mapping[str, str]) -> Any:
    import httpx  # Runs of one machine ask nobody.

    token = Path(environment.get(TOKEN_PATH, MOUNTED))
    try:
        is_there = token.is_file()
        bearer = {"authorization": f"Bearer {token.read_text().strip()}"} if is_there else {}
        answer = httpx.get(url, headers=bearer, timeout=SECONDS)
        answer.raise_for_status()
        return answer.json()
    except (OSError, httpx.HTTPError, json.JSONDecodeError) as error:
        raise NotReadyError(f"{url}: {shown(str(error))}; see {ENDPOINT}") from error
