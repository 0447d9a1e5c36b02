"""What the parameters of a URL ask to compare. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kanaria.components.shared.parameters import Faults
from kanaria.serving.payload_log.exchanges import Stream
from kanaria.serving.quality.estimates import Task

MOST_LISTED = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Two versions of a service, and how what they answer is read.

    Attributes:
        canary: stream of the version on trial.
        stable: stream of the version it is compared with.
        since: seconds since 1970; earlier exchanges do not count.
        task: what the models predict.
        output: name of the response's column, "" where it has only one.
    """

    canary: Stream
    stable: Stream
    since: float
    task: Task
    output: str


def read_question(given: Mapping[str, str]) -> Question:
    """Return what the parameters namespace, service, canary, stable, since, task, output ask.

    Raises:
        ParameterError: parameters are missing or wrong; all are named.
    """
    faults = Faults("comparison")
    for name in ("namespace", "service", "canary", "stable"):
        faults.check(bool(given.get(name)), name, given.get(name), "name it")
    canary, stable = given.get("canary", ""), given.get("stable", "")
    faults.check(canary != stable, "stable", stable, "name another version than the canary's")
    since, tasks = _moment(given.get("since", ""), faults), [task.value for task in Task]
    faults.check(given.get("task") in tasks, "task", given.get("task"), f"use one of {tasks}")
    faults.raise_if_any()
    of = {"namespace": given["namespace"], "service": given["service"]}
    return Question(
        canary=Stream(**of, version=canary),
        stable=Stream(**of, version=stable),
        since=since,
        task=Task(given["task"]),
        output=given.get("output", ""),
    )


def read_limit(given: Mapping[str, str]) -> int:
    """Return how many rows the parameter limit asks for, 100 where it is not given.

    Raises:
        ParameterError: it is no number, or out of range.
    """
    text = given.get("limit", "100")
    faults = Faults("disagreements")
    fits = text.isdecimal() and 1 <= int(text) <= MOST_LISTED
    faults.check(fits, "limit", text, f"use 1 to {MOST_LISTED}")
    faults.raise_if_any()
    return int(text)


def _moment(text: str, faults: Faults) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        faults.check(False, "since", text, "use RFC 3339, as 2026-01-31T12:00:00Z")
        return 0.0
    return moment.timestamp()
