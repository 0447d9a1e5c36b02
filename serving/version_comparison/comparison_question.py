"""What the parameters of a URL ask to compare. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.model_quality.quality_estimates import Task
from kanaria.serving.payload_log.exchanges import Stream
from kanaria.serving.protocol.comparison_document import read_query

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


def read_question(parameters: Mapping[str, str]) -> Question:
    """Return what the parameters namespace, service, canary, stable, since, task, output ask.

    Raises:
        ParameterError: parameters are missing or wrong; all are named.
    """
    query = read_query(parameters, [task.value for task in Task])
    of = {"namespace": query.namespace, "service": query.service}
    return Question(
        canary=Stream(**of, version=query.canary),
        stable=Stream(**of, version=query.stable),
        since=query.since,
        task=Task(query.task),
        output=query.output,
    )


def read_limit(parameters: Mapping[str, str]) -> int:
    """Return how many rows the parameter limit asks for, 100 where it is not given.

    Raises:
        ParameterError: it is no number, or out of range.
    """
    text = parameters.get("limit", "100")
    faults = Faults("disagreements")
    fits = text.isdecimal() and 1 <= int(text) <= MOST_LISTED
    faults.check(fits, "limit", text, f"use 1 to {MOST_LISTED}")
    faults.raise_if_any()
    return int(text)
