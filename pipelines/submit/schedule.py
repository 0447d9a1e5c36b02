"""Schedules of a pipeline: `kanaria schedule`, and the same from a notebook."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.parameters import Faults
from kanaria.pipelines.submit import cron
from kanaria.pipelines.submit.package import Package
from kanaria.pipelines.submit.server import Server
from kanaria.pipelines.submit.submit import prepared

MAX_CONCURRENCY = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Timetable:
    """When runs start.

    Attributes:
        cron: five fields, or "" for an interval; in the server's time zone, UTC by default.
        every: interval as 90s, 15m, 6h or 1d, or "".
        start: RFC 3339 time of the first possible run, or "".
        end: RFC 3339 time after which no run starts, or "".
        catch_up: whether runs that a pause or an outage left out are made up for.
        max_concurrency: runs at once, 1 to 10.
    """

    cron: str = ""
    every: str = ""
    start: str = ""
    end: str = ""
    catch_up: bool = False
    max_concurrency: int = 1


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _trigger(timetable: Timetable) -> dict[str, Any]:
    """Return the timetable as `create_recurring_run` of kfp's client takes it."""
    faults = Faults("schedule")
    one = bool(timetable.cron) != bool(timetable.every)
    faults.check(one, "cron", timetable.cron, "give cron or every, one of them")
    most = timetable.max_concurrency
    remedy = f"use 1 to {MAX_CONCURRENCY}"
    faults.check(1 <= most <= MAX_CONCURRENCY, "max_concurrency", most, remedy)
    for name in ("start", "end"):
        text = getattr(timetable, name)
        remedy = "write a time as 2026-03-01T06:00:00Z"
        faults.check(not text or _is_time(text), name, text, remedy)
    found: dict[str, Any] = {}
    try:
        if timetable.cron:
            found["cron_expression"] = cron.to_kfp(timetable.cron)
        if timetable.every:
            found["interval_second"] = cron.seconds(timetable.every)
    except ParameterError as error:
        faults.add(str(error))
    faults.raise_if_any()
    return {
        **found,
        "start_time": timetable.start or None,
        "end_time": timetable.end or None,
        "no_catchup": not timetable.catch_up,
        "max_concurrency": most,
    }


def create(
    server: Server,
    package: Package,
    values: Mapping[str, Any],
    timetable: Timetable,
    *,
    name: str,
    experiment: str = "Default",
    pipeline_root: str = "",
) -> str:
    """Upload the pipeline unless the server has it, and create a schedule; return its id.

    Raises:
        ParameterError: parameters are wrong, or there is a schedule with this name.
        NotReadyError: the server or the store does not answer.
    """
    trigger = _trigger(timetable)
    taken = any(found.display_name == name for found in server.schedules())
    if taken:
        raise ParameterError(
            f"schedule {shown(name)}: there is one; delete it or take another name"
        )
    ready = prepared(package, values, pipeline_root)
    version = server.upload(package)
    return server.schedule(
        server.experiment(experiment),
        name,
        params=ready,
        pipeline_id=version.pipeline_id,
        version_id=version.version_id,
        pipeline_root=pipeline_root or None,
        **trigger,
    )


def find(server: Server, name: str) -> str:
    """Return the id of the schedule with this name.

    Raises:
        ParameterError: there is none, or there are several.
    """
    schedules = server.schedules()
    ids = [found.recurring_run_id for found in schedules if found.display_name == name]
    if len(ids) != 1:
        known = ", ".join(sorted({found.display_name for found in schedules})) or "none"
        raise ParameterError(f"schedule {shown(name)}: {len(ids)} of that name; there are: {known}")
    return str(ids[0])


def line(schedule: Any) -> str:
    """Return a schedule's line in a list: name, state, when, the newest change."""
    trigger = schedule.trigger
    if trigger and trigger.cron_schedule:
        when = f"cron {trigger.cron_schedule.cron}"
    elif trigger and trigger.periodic_schedule:
        when = f"every {trigger.periodic_schedule.interval_second} s"
    else:
        when = "never"
    state = "paused" if schedule.status == "DISABLED" else "active"
    return f"{schedule.display_name:32} {state:8} {when}"
