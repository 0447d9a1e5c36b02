"""The only module that talks to a KFP server: kfp's client, its errors as ours."""

import io
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kfp_server_api
import urllib3
from kfp.client import Client
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

from kanaria.components.shared.errors import NotReadyError, ParameterError, shown
from kanaria.pipelines.submit.package import Package

TOKEN = "KANARIA_KFP_TOKEN"  # noqa: S105  The name of a variable.
TOKEN_FILE = Path("/var/run/secrets/kubeflow/pipelines/token")
PROBE_SECONDS = 10.0
SERVER_ERROR = 500
NOT_LET_IN = (401, 403)
HEALTH = "/apis/v2beta1/healthz"
PAGE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version of a pipeline on the server, and whether it was uploaded just now."""

    pipeline_id: str
    version_id: str
    uploaded: bool


def _message(error: kfp_server_api.ApiException) -> str:
    return shown(str(error.body or error.reason))


@contextmanager
def _told(what: str, host: str) -> Iterator[None]:
    """Turn what kfp's client raises into one line; keep what it prints to itself."""
    try:
        with redirect_stdout(io.StringIO()):
            yield
    except kfp_server_api.ApiException as error:
        text = f"{host}: {what}: {error.status}: {_message(error)}"
        if (error.status or SERVER_ERROR) >= SERVER_ERROR:
            raise NotReadyError(f"{text}; try again") from error
        remedy = f"; set {TOKEN}" if error.status in NOT_LET_IN else ""
        raise ParameterError(f"{text}{remedy}") from error
    except urllib3.exceptions.HTTPError as error:
        raise NotReadyError(f"{host}: {what}: {shown(str(error))}; check --host") from error


def _probe(host: str, token: str) -> None:
    """Raise at once where nobody answers or lets us in; kfp's client tries half a minute."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    pool = urllib3.PoolManager(retries=False, timeout=PROBE_SECONDS)
    try:
        answer = pool.request("GET", f"{host.rstrip('/')}{HEALTH}", headers=headers)
    except urllib3.exceptions.HTTPError as error:
        raise NotReadyError(f"host={shown(host)}: {shown(str(error))}; check --host") from error
    if answer.status in NOT_LET_IN:
        raise ParameterError(f"host={shown(host)}: {answer.status}: not let in; set {TOKEN}")


class Server:
    """A KFP server, and the namespace of a user on it ("" for a server without users)."""

    def __init__(self, client: Any, host: str, namespace: str) -> None:
        """Use a client of kfp's."""
        self._client, self._host, self._namespace = client, host, namespace

    @classmethod
    def connect(cls, host: str = "", namespace: str = "") -> "Server":
        """Connect as kfp does: to the host, else KF_PIPELINES_ENDPOINT, else the cluster around.

        A token comes from KANARIA_KFP_TOKEN or the file that Kubeflow mounts into notebooks.

        Raises:
            NotReadyError: nobody answers.
            ParameterError: the host is malformed.
        """
        host = host or os.environ.get("KF_PIPELINES_ENDPOINT", "")
        if host and not host.startswith(("http://", "https://")):
            raise ParameterError(f"host={shown(host)}: begin it with http:// or https://")
        # With a host, kfp's client leaves the mounted token out unless it is named.
        mounted = ServiceAccountTokenVolumeCredentials() if TOKEN_FILE.exists() else None
        token = os.environ.get(TOKEN, "")
        if host:
            _probe(host, token or (TOKEN_FILE.read_text().strip() if mounted else ""))
        with _told("connect", host or "kubeflow"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = Client(
                host=host or None,
                namespace=namespace or "kubeflow",
                existing_token=token or None,
                credentials=None if token else mounted,
            )
        return cls(client, host or "kubeflow", namespace)

    def link(self, run_id: str) -> str:
        """Return the run's page in the KFP UI."""
        return f"{self._host.rstrip('/')}/#/runs/details/{run_id}"

    def upload(self, package: Package) -> Version:
        """Return the version of the pipeline with this content, uploaded unless it is there."""
        with _told("upload", self._host), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pipeline.yaml"
            path.write_text(package.text, encoding="utf-8")
            pipeline_id = self._client.get_pipeline_id(package.plan.name)
            if pipeline_id is None:
                named = {"pipeline_name": package.plan.name, "namespace": self._namespace or None}
                pipeline_id = self._client.upload_pipeline(str(path), **named).pipeline_id
            found = self._version(pipeline_id, package.version)
            if found:
                return Version(pipeline_id=pipeline_id, version_id=found, uploaded=False)
            made = self._client.upload_pipeline_version(
                str(path), package.version, pipeline_id=pipeline_id
            )
            version_id = made.pipeline_version_id
            return Version(pipeline_id=pipeline_id, version_id=version_id, uploaded=True)

    def _version(self, pipeline_id: str, name: str) -> str:
        token = ""
        while True:
            page = self._client.list_pipeline_versions(
                pipeline_id, page_token=token, page_size=PAGE
            )
            for version in page.pipeline_versions or []:
                if version.display_name == name:
                    return str(version.pipeline_version_id)
            token = page.next_page_token or ""
            if not token:
                return ""

    def experiment(self, name: str) -> str:
        """Return the id of the experiment with this name, made unless it is there."""
        with _told("experiment", self._host):
            found = self._client.create_experiment(name, namespace=self._namespace or None)
            return str(found.experiment_id)

    def start(
        self, version: Version, experiment_id: str, name: str, values: dict[str, Any], root: str
    ) -> str:
        """Start a run and return its id; `root` is the URI of its artifacts, or ""."""
        with _told("run", self._host):
            found = self._client.run_pipeline(
                experiment_id,
                name,
                params=values,
                pipeline_id=version.pipeline_id,
                version_id=version.version_id,
                pipeline_root=root or None,
            )
            return str(found.run_id)

    def run(self, run_id: str) -> Any:
        """Return kfp's V2beta1Run."""
        with _told(f"run {run_id}", self._host):
            return self._client.get_run(run_id)

    def schedule(self, experiment_id: str, name: str, **what: Any) -> str:
        """Create a recurring run by `create_recurring_run` of kfp's client; return its id."""
        with _told(f"schedule {name}", self._host):
            found = self._client.create_recurring_run(experiment_id, name, **what)
            return str(found.recurring_run_id)

    def schedules(self) -> list[Any]:
        """Return all of kfp's V2beta1RecurringRun of the namespace."""
        found: list[Any] = []
        token = ""
        while True:
            with _told("schedules", self._host):
                page = self._client.list_recurring_runs(
                    page_token=token, page_size=PAGE, namespace=self._namespace or None
                )
            found += page.recurring_runs or []
            token = page.next_page_token or ""
            if not token:
                return found

    def pause(self, schedule_id: str) -> None:
        """Start no more runs of a schedule."""
        with _told("pause", self._host):
            self._client.disable_recurring_run(schedule_id)

    def resume(self, schedule_id: str) -> None:
        """Start runs of a schedule again."""
        with _told("resume", self._host):
            self._client.enable_recurring_run(schedule_id)

    def delete(self, schedule_id: str) -> None:
        """Delete a schedule; its runs stay."""
        with _told("delete", self._host):
            self._client.delete_recurring_run(schedule_id)
