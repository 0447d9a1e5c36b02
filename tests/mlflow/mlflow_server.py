"""A real MLflow server as a process, from an environment of its own (make test-mlflow)."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PYTHON = Path(__file__).parents[2] / ".venv/mlflow/bin/python"
START_SECONDS = 900
"""A bound, not a measure: the first start makes all tables, on a machine that does other things."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mlflow_server(
    folder: Path, database: str, *options: str, port: int = 0, **variables: str
) -> Iterator[str]:
    """Run a server over a database's URI; yield its own."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(PYTHON), "-I", "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--backend-store-uri", database]
    command += options or ("--artifacts-destination", str(folder / "artifacts"))
    # Else it starts seven more processes for jobs that nobody asks of it.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **variables}
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"):
        environment.pop(name, None)
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        _await(process, uri, folder / "server.log")
        yield uri
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _await(process: "subprocess.Popen[bytes]", uri: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False) as client:
        while True:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            try:
                if client.get(f"{uri}/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.3)


class Records:
    """What a server has, read by plain HTTP and none of our own code."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._http = httpx.Client(base_url=f"{uri}/api/2.0/mlflow/", trust_env=False, timeout=120)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **parameters: str) -> dict:
        answer = self._http.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: object) -> dict:
        answer = self._http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delete(self, path: str, **body: object) -> None:
        answer = self._http.request("DELETE", path, json=body)
        assert answer.status_code == 200, answer.text

    def runs(self, experiment: str) -> list[dict]:
        answer = self.get("experiments/get-by-name", experiment_name=experiment)["experiment"]
        return self.post("runs/search", experiment_ids=[answer["experiment_id"]]).get("runs", [])

    def aliases(self, model: str) -> dict[str, str]:
        answer = self.get("registered-models/get", name=model)["registered_model"]
        return {each["alias"]: each["version"] for each in answer.get("aliases", [])}

    def versions(self, model: str) -> list[dict]:
        answer = self.get("model-versions/search", filter=f"name = '{model}'")
        return sorted(answer.get("model_versions", []), key=lambda each: int(each["version"]))

    def artifact(self, run: dict, path: str) -> bytes:
        root = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
        answer = self._http.get(f"{self.uri}/api/2.0/mlflow-artifacts/artifacts/{root}/{path}")
        assert answer.status_code == 200, answer.text
        return answer.content


def named(entries: list[dict]) -> dict:
    """Return key -> value of tags, parameters or metrics."""
    return {each["key"]: each["value"] for each in entries}
