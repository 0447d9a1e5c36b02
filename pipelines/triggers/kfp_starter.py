"""Starts runs on a server of Kubeflow Pipelines, as `kanaria submit` does.

The server has no idempotency key: the name of the run stands for one. A request to start a run
that was cut off may still arrive; a later try looks for its name first.
"""

import itertools
from datetime import UTC, datetime
from typing import Any

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.submit import parameters, pipeline_package
from kanaria.pipelines.submit.kfp_client import NOT_FOUND, Server
from kanaria.pipelines.submit.run_listing import ANSWER_SECONDS, NOT_ARCHIVED, UNKNOWN
from kanaria.pipelines.submit.run_snapshot import FINISHED, Outcome, ended, snapshot, state_of
from kanaria.pipelines.submit.submit_pipeline import submit
from kanaria.pipelines.triggers import run_values
from kanaria.serving.triggers.starter import Begun, Order, RunEnd
from kanaria.serving.triggers.trigger_file import Runs, Start

MOST_LOOKED_AT = 100
"""Of the newest runs, among which one that goes on is looked for."""


class KfpStarter:
    """Starts runs on one server, for one user."""

    def __init__(self, runs: Runs, server: Server) -> None:
        """Start runs on `server` as `runs` says."""
        self._runs, self._server = runs, server

    def check(self, start: Start) -> None:
        """Raise a ParameterError where a pipeline or its parameters are wrong."""
        plan = run_values.plan_of(start)
        values = run_values.values(start, {}, plan)
        package = pipeline_package.read(
            start.pipeline, arguments=values, image_prefix=self._runs.image_prefix
        )
        parameters.checked(package.interface, values, self._runs.pipeline_root)

    def find(self, order: Order) -> Begun | None:
        """Return the run that has the order's name, None where there is none."""
        named = {"key": "display_name", "operation": "EQUALS", "stringValue": order.run_name}
        entry = next(self._server.runs(named), None)
        return entry and Begun(run_id=entry.run_id, link=self._server.link(entry.run_id))

    def start(self, order: Order) -> Begun:
        """Start a run, which `find` has not found."""
        plan = run_values.plan_of(order.start)
        run = submit(
            order.start.pipeline,
            run_values.values(order.start, order.cause, plan),
            server=self._server,
            pipeline_root=self._runs.pipeline_root,
            experiment=self._runs.experiment,
            run_name=order.run_name,
            image_prefix=self._runs.image_prefix,
            service_account=self._runs.service_account or None,
        )
        return Begun(run_id=run.run_id, link=run.link)

    def ended(self, run_id: str) -> tuple[RunEnd, str] | None:
        """Return how a run ended, and why where it failed; None while it goes on."""
        try:
            entry = self._server.run(run_id, ANSWER_SECONDS)
        except ParameterError as error:
            if getattr(error.__cause__, "status", None) == NOT_FOUND:
                return RunEnd.FAILED, "it is no longer on the server"
            raise
        now = snapshot(entry, UNKNOWN, datetime.now(UTC))
        outcome = ended(now.state, now.canceling)
        if outcome is None:
            return None
        if outcome is Outcome.SUCCEEDED:
            return RunEnd.SUCCEEDED, ""
        return RunEnd.FAILED, now.cause or outcome.said

    def under_way(self, start: Start) -> str:
        """Return the name of a run of the pipeline that goes on, whoever started it; "" if none."""
        pipeline_id = self._server.pipeline_id(run_values.plan_of(start).name)
        newest = itertools.islice(self._server.runs(NOT_ARCHIVED), MOST_LOOKED_AT)
        return next((name for entry in newest if (name := _going(entry, pipeline_id))), "")


def _going(entry: Any, pipeline_id: str) -> str:
    """Return the name of a run of the pipeline that goes on, "" for any other."""
    version = entry.pipeline_version_reference
    is_of_it = bool(pipeline_id and version and version.pipeline_id == pipeline_id)
    if not is_of_it or state_of(entry.state) in FINISHED:
        return ""
    return str(entry.display_name or entry.run_id)
