"""Does a job at the MLflow server as a run wants it: required, or as well as it can be done."""

import logging
import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.model_registry import tracked_run
from kanaria.serving.model_registry.bounded_job import within
from kanaria.serving.model_registry.mlflow_client import MlflowClient
from kanaria.serving.model_registry.tracked_run import RunIdentity, TrackedRun
from kanaria.serving.model_registry.tracking_settings import Tracking

LOGGER = logging.getLogger(__name__)
BEST_EFFORT_SECONDS, REQUIRED_SECONDS = 20.0, 120.0
"""For one job: how long a run is held up at most."""
ResultT = TypeVar("ResultT")


class Tracker:
    """The server of a run; one that has failed a run that can do without is not asked again."""

    def __init__(
        self,
        tracking: Tracking,
        identity: RunIdentity,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Take the server and the run.

        Args:
            tracking: how runs are tracked.
            identity: of the run.
            environment: of the process, for credentials.
        """
        self.tracking, self.identity, self._environment = tracking, identity, environment
        self.failure = ""

    @property
    def uri(self) -> str:
        """The server's."""
        return self.tracking.tracking_uri

    def attempt(self, job: Callable[[MlflowClient, TrackedRun], ResultT]) -> ResultT | None:
        """Return what the job returns; None where it failed and the run can do without.

        Raises:
            KanariaError: the run cannot do without.
        """
        if self.failure:
            return None
        is_required = self.tracking.tracking_required
        seconds = REQUIRED_SECONDS if is_required else BEST_EFFORT_SECONDS
        try:
            return within(seconds, lambda: self._done(job, seconds), f"tracking at {self.uri}")
        except KanariaError as error:
            if is_required:
                raise
            self.failure = f"not tracked: {error}"
            LOGGER.warning("%s", self.failure)
            return None

    def _done(self, job: Callable[[MlflowClient, TrackedRun], ResultT], seconds: float) -> ResultT:
        with MlflowClient(self.uri, seconds, self._environment) as client:
            return job(client, tracked_run.opened(client, self.identity))


def identity_of(
    tracking: Tracking, run_id: str, pipeline: str, started: float | None = None
) -> RunIdentity:
    """Return which run is meant, by the names that the user gave or those that stand for them.

    Args:
        tracking: how runs are tracked.
        run_id: KFP's id of the run, or that of one on this machine.
        pipeline: its pipeline's name.
        started: when it began, seconds since 1970; None where that is not known.
    """
    return RunIdentity(
        run_id=run_id,
        pipeline=pipeline,
        experiment=tracking.experiment_name or pipeline or "kanaria",
        name=tracking.run_name or run_id,
        mlflow_run_id=tracking.mlflow_run_id,
        started=started,
    )
