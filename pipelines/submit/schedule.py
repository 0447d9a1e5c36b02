"""Schedules: recurring runs of a pipeline on the server."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import NotReadyError, ParameterError, shown
from kanaria.pipelines.resources.settings_of_steps import NOTHING, Resources
from kanaria.pipelines.submit import (
    parameters,
    pipeline_package,
    run_account,
    run_listing,
    server_runs,
)
from kanaria.pipelines.submit.collected_faults import attempt
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.run_account import Account
from kanaria.pipelines.submit.schedule_times import Trigger
from kanaria.pipelines.submit.submit_pipeline import default_experiment

MOST_CONCURRENT = 10
"""KFP's own limit."""
ENABLED = "ENABLED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A schedule as the server has it."""

    schedule_id: str
    name: str
    enabled: bool
    trigger: Trigger
    max_concurrency: int
    catch_up: bool


def create(
    name: str,
    pipeline: str,
    arguments: Mapping[str, Any],
    *,
    server: Server,
    trigger: Trigger,
    pipeline_root: str = "",
    experiment: str = "",
    image_prefix: str = "",
    cached: bool = True,
    resources: Resources = NOTHING,
    catch_up: bool = False,
    max_concurrency: int = 1,
    service_account: str | Account | None = None,
) -> str:
    """Create a schedule and return its id; each run has the pipeline of today and these values.

    Args:
        name: name of the schedule; no other has it.
        pipeline: name of a pipeline of this package, or path of a compiled .yaml file.
        arguments: parameter -> value; a local file of a `*_file` parameter is uploaded.
        server: where to.
        trigger: when runs start.
        pipeline_root: URI of the folder of artifacts; "" for the server's own.
        experiment: name of the experiment; "" for the default.
        image_prefix: registry and path of Kanaria's images; "" for none.
        cached: whether steps may be reused.
        resources: what steps get beside what the pipeline says: CPU, nodes, credentials, volumes.
        catch_up: whether runs that were missed while the schedule was paused, or the server was
            away, are made up for one by one; else only the newest of them is.
        max_concurrency: most runs at the same time, 1 to 10.
        service_account: of the runs' pods; None for `kanaria-pipeline` where it exists, else
            KFP's own; "" for KFP's own.

    Raises:
        ParameterError: parameters are wrong (all at once, before anything is sent), or the name
            is taken, or the server keeps another account (the schedule is deleted then).
        NotReadyError: the server or the store does not answer.
    """
    faults = Faults(f"schedule {shown(name)}")
    faults.check(bool(name.strip()), "name", name, "give the schedule a name")
    limit = f"use 1 to {MOST_CONCURRENT}"
    faults.check(1 <= max_concurrency <= MOST_CONCURRENT, "max_concurrency", max_concurrency, limit)
    package = pipeline_package.read(
        pipeline,
        image_prefix=image_prefix,
        cached=cached,
        arguments=arguments,
        resources=resources,
    )
    values = attempt(faults, parameters.checked, package.interface, arguments, pipeline_root)
    faults.raise_if_any()
    _check_free(name, server)
    run_as = run_account.chosen(service_account, server.namespace)
    values = parameters.published(values or {}, pipeline_root)
    version = server.version(package)
    pipeline_package.warn(package)
    schedule_id, account = server.create_schedule(
        experiment_id=server.experiment(default_experiment(experiment)),
        job_name=name,
        start_time=trigger.start or None,
        end_time=trigger.end or None,
        interval_second=trigger.every or None,
        cron_expression=trigger.cron or None,
        max_concurrency=max_concurrency,
        no_catchup=not catch_up,
        params=values,
        pipeline_id=version.pipeline_id,
        version_id=version.version_id,
        pipeline_root=pipeline_root or None,
        service_account=run_as.name or None,
    )
    if account not in ("", run_as.name or account):
        # KFP 2.15 and 2.16 drop it without a word (kubeflow/pipelines issue 13311).
        server.delete_schedule(schedule_id)
        raise ParameterError(
            f"schedule {shown(name)}: not created: this server gives the runs of schedules the "
            f"account {shown(account)}, not {shown(run_as.name)}; update KFP to 2.17, or name that "
            "account and give it the rights (manifests/components)"
        )
    return schedule_id


def _check_free(name: str, server: Server) -> None:
    if any(entry.name == name for entry in all_schedules(server)):
        raise ParameterError(
            f"schedule {shown(name)}: there is one already; delete it, or choose another name"
        )


def _text(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z") if time else ""


def _read(entry: Any) -> Schedule:
    cron = entry.trigger and entry.trigger.cron_schedule
    periodic = entry.trigger and entry.trigger.periodic_schedule
    either = cron or periodic
    return Schedule(
        schedule_id=entry.recurring_run_id,
        name=entry.display_name or "",
        enabled=entry.status == ENABLED,
        trigger=Trigger(
            cron=(cron and cron.cron) or "",
            every=int((periodic and periodic.interval_second) or 0),
            start=_text(either and either.start_time),
            end=_text(either and either.end_time),
        ),
        max_concurrency=int(entry.max_concurrency or 0),
        catch_up=not entry.no_catchup,
    )


def all_schedules(server: Server) -> list[Schedule]:
    """Return the server's schedules, oldest first.

    Raises:
        NotReadyError: the server does not answer.
    """
    return [_read(entry) for entry in server.schedules()]


def find(server: Server, name: str) -> Schedule:
    """Return the schedule with this name or id.

    Raises:
        ParameterError: there is none, or several have the name.
    """
    schedules = all_schedules(server)
    fitting = [entry for entry in schedules if name in (entry.name, entry.schedule_id)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        ids = ", ".join(entry.schedule_id for entry in fitting)
        raise ParameterError(
            f"schedule {shown(name)}: several have this name; name one by id: {ids}"
        )
    near = difflib.get_close_matches(name, [entry.name for entry in schedules], n=1)
    hint = f"did you mean {near[0]}?" if near else "see `kanaria schedule list`"
    raise ParameterError(f"schedule {shown(name)}: there is none; {hint}")


def pause(server: Server, name: str) -> None:
    """Let the schedule with this name or id start no further runs; those under way go on.

    Raises:
        ParameterError: there is none, or several have the name.
    """
    server.disable_schedule(find(server, name).schedule_id)


def resume(server: Server, name: str) -> None:
    """Let the schedule with this name or id start runs again.

    Raises:
        ParameterError: there is none, or several have the name.
    """
    server.enable_schedule(find(server, name).schedule_id)


class Running(StrEnum):
    """What deleting a schedule does while runs of it go on."""

    REFUSE = "refuse"
    WAIT = "wait"
    TERMINATE = "terminate"


DOING = {Running.WAIT: "waiting for", Running.TERMINATE: "terminating"}


def delete(
    server: Server,
    name: str,
    running: Running | str = Running.REFUSE,
    *,
    tell: Callable[[str], object] = str,
    poll_seconds: float = server_runs.POLL_SECONDS,
) -> None:
    """Delete the schedule with this name or id, but not under its running runs.

    Kubeflow Pipelines itself removes the Workflows of running runs together with their schedule,
    and those runs say RUNNING for ever. So they end first: the schedule is paused, its runs are
    waited for or terminated, and only then is it deleted. Its runs stay on the server.

    Args:
        server: where the schedule is.
        name: name or id of the schedule.
        running: "refuse" raises while runs go on and changes nothing, "wait" waits until they
            have ended, "terminate" ends them.
        tell: called with a line for each run that must end first.
        poll_seconds: seconds between two looks.

    Raises:
        ParameterError: there is none, or several have the name; or runs go on and `running` is
            "refuse": they are listed.
        NotReadyError: the server does not answer, or a run does not end; the schedule is paused
            then, and not deleted.
    """
    policy = _policy(running)
    entry = find(server, name)
    going = run_listing.of_schedule(server, entry.schedule_id)
    if going and policy is Running.REFUSE:
        listed = "; ".join(run_listing.description(one) for one in going)
        raise ParameterError(
            f"schedule {shown(name)}: {len(going)} of its runs go on, and would be torn down with "
            f"it: {listed}; choose --running wait or --running terminate"
        )
    if going:
        server.disable_schedule(entry.schedule_id)
    while going:
        for one in going:
            tell(f"{DOING[policy]} {run_listing.description(one)}")
            _end(server, one.run_id, policy, poll_seconds)
        # One more may have begun while the schedule was being paused.
        going = run_listing.of_schedule(server, entry.schedule_id)
    server.delete_schedule(entry.schedule_id)


def _policy(running: str) -> Running:
    try:
        return Running(running)
    except ValueError as error:
        policies = ", ".join(Running)
        raise ParameterError(f"running={shown(running)}: there are {policies}") from error


def _end(server: Server, run_id: str, policy: Running, poll_seconds: float) -> None:
    run = server_runs.find(server, run_id)
    try:
        server_runs.let_end(
            run, server, terminate=policy is Running.TERMINATE, poll_seconds=poll_seconds
        )
    except NotReadyError as error:
        raise NotReadyError(f"{error}; the schedule is paused, and not deleted") from error
