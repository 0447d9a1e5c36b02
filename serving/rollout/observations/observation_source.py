"""What every source of observations gives: raw counters, which only grow until a process ends."""

from dataclasses import dataclass
from typing import Protocol

from kanaria.serving.protocol.comparison_document import ModelCounts
from kanaria.serving.rollout.observations.replica_counters import Replica


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """The models of two revisions, and how what they answer is compared.

    Attributes:
        canary: version of the canary's model, as in its annotation; "" where it has none.
        stable: the same of the stable revision.
        since: seconds since 1970; earlier answers do not count.
        task: binary, multiclass or regression, see `policy.ModelsPolicy`.
        output: name of the response's column, "" where it has only one.
    """

    canary: str
    stable: str
    since: float
    task: str
    output: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Revisions:
    """The two revisions of a rollout, by name; `stable` is "" where there is none.

    `models` is None where nobody needs to know what they answer.
    """

    namespace: str
    service: str
    canary: str
    stable: str
    models: Models | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A container of the canary, or one that ended.

    A pod tells only of the last end of each of its containers. An end for memory is therefore
    listed as a container of its own, named by its id, so that none is counted twice.

    Attributes:
        name: unique in the namespace.
        restarts: since it was made.
        oom_kills: of them, for memory, as far as they are still told of.
    """

    name: str
    restarts: int
    oom_kills: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a source showed once. In each field None is "no answer", and () "there are none".

    Attributes:
        now: when it was read, seconds since 1970 (UTC).
        canary: counters of every replica of the revision on trial.
        stable: counters of every replica of the stable revision.
        containers: of the canary.
        sampled: time up to which every replica that ran was sampled, where the source keeps
            samples that others took; None where it asked the replicas itself.
        models: totals of what the models answered.
    """

    now: float
    canary: tuple[Replica, ...] | None = None
    stable: tuple[Replica, ...] | None = None
    containers: tuple[Container, ...] | None = None
    sampled: float | None = None
    models: ModelCounts | None = None


class Source(Protocol):
    """Where observations come from."""

    def read(self, revisions: Revisions, /) -> Reading:
        """Return what is to be seen now, bounded in time.

        A world that is missing or does not answer raises nothing: its fields are None, and the
        reason is logged.
        """
