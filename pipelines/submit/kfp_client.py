"""The server's pipelines, experiments, runs and schedules, through kfp.Client."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.pipelines.submit import connection, private_kfp
from kanaria.pipelines.submit.pipeline_package import Package

NOT_FOUND, CONFLICT = 404, 409
HOME = "kubeflow"
"""Namespace of Kubeflow Pipelines for one user, and so of its runs."""
PAGE = 100
PAGE_OF_RUNS = 20
"""A run that was sent with its pipeline holds it whole, and an answer of KFP has 4 MiB at most."""
READ_SECONDS = 5.0
"""How long a question is repeated while the server is busy."""
ABOUT_ACCOUNTS = re.compile("service *-?account", re.IGNORECASE)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version of a pipeline on the server; `uploaded` tells whether this call put it there."""

    pipeline_id: str
    version_id: str
    name: str
    uploaded: bool


class Server:
    """A Kubeflow Pipelines server, for one user."""

    def __init__(self, host: str = "", namespace: str = "", token_file: str = "") -> None:
        """Keep how the server is reached; the first question connects.

        Args:
            host: address; "" takes KF_PIPELINES_ENDPOINT, or the cluster's own inside a pod.
            namespace: the user's namespace; "" where the server has one user.
            token_file: file of a bearer token; "" takes what `connection` names.

        Raises:
            ParameterError: no address is known.
        """
        self.host = connection.address(host)
        self.namespace = namespace
        self._token_file = token_file

    @cached_property
    def _client(self) -> Any:
        return connection.connect(self.host, self._token_file)

    def _ask(self, call: Callable[[], T]) -> T:
        """Call what changes nothing, a few times if the server is busy."""
        return connection.patiently(lambda: self._tell(call), READ_SECONDS)

    def _tell(self, call: Callable[[], T]) -> T:
        """Call what changes something: once, since nobody knows whether it arrived."""
        with connection.answers(self.host):
            return call()

    def _tell_as(self, account: str, call: Callable[[], T]) -> T:
        """Create what has an account; say what a server means that takes only listed ones."""
        try:
            return self._tell(call)
        except ParameterError as error:
            if account and ABOUT_ACCOUNTS.search(str(error)):
                raise ParameterError(
                    f"{error}; KFP after 2.17 takes only accounts that its administrator lists in "
                    f"ALLOWEDSERVICEACCOUNTS, and with profiles the right `use` on them; the run's "
                    f"was to be {account}, --service-account '' is KFP's own"
                ) from error
            raise

    def _identified(self, identity: str | None) -> str:
        if not identity:
            raise NotReadyError(
                f"{self.host}: the answer is none of Kubeflow Pipelines; "
                "check --host, or whether it shows a login page"
            )
        return identity

    def link(self, run_id: str) -> str:
        """Return the address of a run's page."""
        return f"{private_kfp.interface_address(self._client)}/#/runs/details/{run_id}"

    def pipeline_link(self, version: Version) -> str:
        """Return the address of the page of a pipeline's version."""
        path = f"{version.pipeline_id}/version/{version.version_id}"
        return f"{private_kfp.interface_address(self._client)}/#/pipelines/details/{path}"

    def version(self, package: Package) -> Version:
        """Return the version with the package's content; upload it unless it is there."""
        pipeline_id = self._pipeline(package.name)
        identity = self._version(pipeline_id, package.version)
        uploaded = identity is None and self._upload(pipeline_id, package)
        identity = identity or self._version(pipeline_id, package.version)
        return Version(
            pipeline_id=pipeline_id,
            version_id=self._identified(identity),
            name=package.version,
            uploaded=uploaded,
        )

    def pipeline_id(self, name: str) -> str:
        """Return the id of the pipeline with this name, "" where there is none."""
        answer = self._ask(
            lambda: self._client.list_pipelines(
                page_size=PAGE, filter=_named(name), namespace=self.namespace or None
            )
        )
        return next((entry.pipeline_id for entry in answer.pipelines or []), "")

    def _pipeline(self, name: str) -> str:
        def create() -> str | None:
            # kfp's upload_pipeline names the first version after the pipeline, not its content.
            body = self._client.api_models.V2beta1Pipeline(
                name=name, display_name=name, namespace=self.namespace or None
            )
            service = self._client.pipelines
            return service.pipeline_service_create_pipeline(pipeline=body).pipeline_id

        identity = self.pipeline_id(name)
        if identity:
            return identity
        created = self._created(create)
        return self._identified(created or self.pipeline_id(name))

    def _version(self, pipeline_id: str, name: str) -> str | None:
        answer = self._ask(
            lambda: self._client.list_pipeline_versions(
                pipeline_id=pipeline_id, page_size=PAGE, filter=_named(name)
            )
        )
        versions = answer.pipeline_versions or []
        return next((entry.pipeline_version_id for entry in versions), None)

    def _upload(self, pipeline_id: str, package: Package) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pipeline.yaml"
            path.write_text(package.text, encoding="utf-8")
            answer = self._created(
                lambda: self._client.upload_pipeline_version(
                    str(path), package.version, pipeline_id=pipeline_id
                )
            )
        return answer is not None

    def _created(self, call: Callable[[], T]) -> T | None:
        """Create something; None if another caller did so in between."""
        try:
            return self._tell(call)
        except ParameterError as error:
            if getattr(error.__cause__, "status", None) == CONFLICT:
                return None
            raise

    def experiment(self, name: str) -> str:
        """Return the id of the experiment with this name; create it unless it is there.

        Raises:
            ParameterError: several experiments have this name.
        """

        def get_or_create() -> Any:
            return self._client.create_experiment(name, namespace=self.namespace or None)

        try:
            entry = self._created(get_or_create) or self._tell(get_or_create)
        except ValueError as error:  # kfp's way to say that there are several.
            raise ParameterError(f"experiment: {error}") from error
        return self._identified(entry.experiment_id)

    def start(
        self,
        version: Version,
        experiment_id: str,
        run_name: str,
        values: Mapping[str, Any],
        pipeline_root: str,
        service_account: str = "",
    ) -> str:
        """Start a run; return its id."""
        run = self._tell_as(
            service_account,
            lambda: self._client.run_pipeline(
                experiment_id,
                run_name,
                params=dict(values),
                pipeline_id=version.pipeline_id,
                version_id=version.version_id,
                pipeline_root=pipeline_root or None,
                service_account=service_account or None,
            ),
        )
        return self._identified(run.run_id)

    def run(self, run_id: str, patience: float) -> Any:
        """Return kfp's V2beta1Run; ask for up to `patience` seconds while the server is away."""
        return connection.patiently(
            lambda: self._tell(lambda: self._client.get_run(run_id)), patience
        )

    def runs(self, *predicates: Mapping[str, str]) -> Iterator[Any]:
        """Yield kfp's V2beta1Run of each run that fits all predicates, the newest first.

        Its tasks are not among what the server lists.
        """
        text = json.dumps({"predicates": predicates}) if predicates else None
        yield from self._pages(
            lambda token: self._client.list_runs(
                page_token=token,
                page_size=PAGE_OF_RUNS,
                sort_by="created_at desc",
                namespace=self.namespace or None,
                filter=text,
            ),
            "runs",
        )

    def terminate(self, run_id: str) -> None:
        """Ask the server to end a run; it does so within seconds."""
        self._tell(lambda: self._client.terminate_run(run_id))

    def retry(self, run_id: str) -> None:
        """Let a run that has ended go on from where it failed."""
        self._tell(
            lambda: private_kfp.run_service(self._client).run_service_retry_run(run_id=run_id)
        )

    def specification(self, run: Any) -> Mapping[str, Any]:
        """Return the compiled pipeline of kfp's V2beta1Run; an empty one if it was deleted."""
        specification, version = run.pipeline_spec, run.pipeline_version_reference
        if not specification and version:
            try:
                specification = self._ask(
                    lambda: self._client.get_pipeline_version(
                        version.pipeline_id, version.pipeline_version_id
                    )
                ).pipeline_spec
            except ParameterError as error:
                if getattr(error.__cause__, "status", None) != NOT_FOUND:
                    raise
        # With settings of a platform beside it, it lies one deeper.
        return (specification or {}).get("pipeline_spec", specification) or {}

    def home(self, run: Any) -> str:
        """Return the namespace in which the pods of kfp's V2beta1Run are."""
        if self.namespace:
            return self.namespace
        experiment = self._ask(lambda: self._client.get_experiment(run.experiment_id))
        return experiment.namespace or HOME

    def create_schedule(self, **fields: Any) -> tuple[str, str]:
        """Create a schedule from kfp's `create_recurring_run` fields; return its id and account."""
        entry = self._tell_as(
            fields.get("service_account") or "",
            lambda: self._client.create_recurring_run(**fields),
        )
        return self._identified(entry.recurring_run_id), entry.service_account or ""

    def schedules(self) -> Iterator[Any]:
        """Yield kfp's V2beta1RecurringRun of each schedule, page by page, oldest first."""
        yield from self._pages(
            lambda token: self._client.list_recurring_runs(
                page_token=token,
                page_size=PAGE,
                sort_by="created_at",
                namespace=self.namespace or None,
            ),
            "recurring_runs",
        )

    def _pages(self, ask: Callable[[str], Any], name: str) -> Iterator[Any]:
        """Yield the entries of a list, page by page."""
        token = ""
        while True:
            page = self._ask(lambda token=token: ask(token))  # type: ignore[misc]
            yield from getattr(page, name) or []
            token = page.next_page_token
            if not token:
                return

    def enable_schedule(self, schedule_id: str) -> None:
        """Let a schedule start runs; one that does so already stays as it is."""
        self._tell(lambda: self._client.enable_recurring_run(schedule_id))

    def disable_schedule(self, schedule_id: str) -> None:
        """Let a schedule start no further runs; those under way go on."""
        self._tell(lambda: self._client.disable_recurring_run(schedule_id))

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a schedule; the server ends its runs at once, and they say RUNNING for ever."""
        self._tell(lambda: self._client.delete_recurring_run(schedule_id))


def _named(name: str) -> str:
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [predicate]})
