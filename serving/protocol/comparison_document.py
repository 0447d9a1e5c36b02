"""What a rollout asks a drift server about two versions of a model, and what it answers. Pure.

GET /comparison?namespace=...&service=...&canary=...&stable=...&since=...&task=...&output=...
200 {"canary": {class: rows}, "stable": {class: rows}, "pairs": rows, ...}   see `ModelCounts`
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, shown

PATH = "/comparison"
MOST_COUNTED = 2**53
"""Beyond it a float, which gates compute with, does not count exactly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonQuery:
    """Two versions of a model, and how what they answer is read.

    Attributes:
        namespace: of the service.
        service: as the payload log names it.
        canary: version of the model on trial, as in its annotation.
        stable: version that it is compared with.
        since: seconds since 1970; earlier answers do not count.
        task: what the models predict: binary, multiclass or regression.
        output: name of the response's column, "" where it has only one.
    """

    namespace: str
    service: str
    canary: str
    stable: str
    since: float
    task: str
    output: str = ""

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the URL that asks."""
        return {**asdict(self), "since": datetime.fromtimestamp(self.since, UTC).isoformat()}


def read_query(parameters: Mapping[str, str], tasks: Collection[str]) -> ComparisonQuery:
    """Return what the parameters of a URL ask.

    Args:
        parameters: by name.
        tasks: names of those that are known.

    Raises:
        ParameterError: parameters are missing or wrong; all are named.
    """
    faults = Faults("comparison")
    for name in ("namespace", "service", "canary", "stable"):
        faults.check(bool(parameters.get(name)), name, parameters.get(name), "name it")
    canary, stable = parameters.get("canary", ""), parameters.get("stable", "")
    faults.check(canary != stable, "stable", stable, "name another version than the canary's")
    since, task = _moment(parameters.get("since", ""), faults), parameters.get("task")
    faults.check(task in tasks, "task", task, f"use one of {list(tasks)}")
    faults.raise_if_any()
    return ComparisonQuery(
        namespace=parameters["namespace"],
        service=parameters["service"],
        canary=canary,
        stable=stable,
        since=since,
        task=parameters["task"],
        output=parameters.get("output", ""),
    )


def _moment(text: str, faults: Faults) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        faults.check(False, "since", text, "use RFC 3339, as 2026-01-31T12:00:00Z")
        return 0.0
    return moment.timestamp()


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCounts:
    """What both models answered since the rollout began, as far as it is known by now.

    These are totals and not what an interval added: a label that comes late or is corrected
    changes what is known of rows of long ago, and the newest totals say it all.

    Attributes:
        canary: class -> rows that the canary gave it.
        stable: class -> rows that the stable revision gave it.
        pairs: rows that both answered.
        canary_apart: class -> of the pairs with two different answers, those to which the canary
            gave it.
        stable_apart: the same of the stable revision; both sum to the rows of disagreement.
        stable_right: rows of disagreement whose label says that the stable revision was right
            (nearer, where numbers are predicted) and the canary was not.
        canary_right: the other way round.
        neither_right: rows of disagreement whose label prefers none.
        windows: of the canary's inputs that were judged for drift.
        drifted: of those, with drift.

    Raises:
        DataError: a count is negative or above MOST_COUNTED, or parts exceed the whole.
    """

    canary: Mapping[str, int] = field(default_factory=dict)
    stable: Mapping[str, int] = field(default_factory=dict)
    pairs: int = 0
    canary_apart: Mapping[str, int] = field(default_factory=dict)
    stable_apart: Mapping[str, int] = field(default_factory=dict)
    stable_right: int = 0
    canary_right: int = 0
    neither_right: int = 0
    windows: int = 0
    drifted: int = 0

    def __post_init__(self) -> None:
        """Check the counts against each other."""
        tables = (self.canary, self.stable, self.canary_apart, self.stable_apart)
        labelled = (self.stable_right, self.canary_right, self.neither_right)
        counts = [*labelled, self.drifted, *(count for one in tables for count in one.values())]
        apart = self.disagreements
        fits = sum(labelled) <= apart <= self.pairs and self.drifted <= self.windows
        fits = fits and max(*counts, self.pairs, self.windows) <= MOST_COUNTED
        if min(counts) < 0 or not fits or apart != sum(self.stable_apart.values()):
            raise DataError(f"counts {shown(self)}: none that can be, or parts exceed the whole")

    @property
    def disagreements(self) -> int:
        """Pairs with two different answers."""
        return sum(self.canary_apart.values())

    def document(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return asdict(self)


_ADAPTER = TypeAdapter(ModelCounts)


def read_counts(text: str, where: str) -> ModelCounts:
    """Return the totals that a drift server at `where` answered.

    Raises:
        DataError: the text is no such answer.
    """
    try:
        return _ADAPTER.validate_json(text)
    except (ValidationError, DataError) as error:
        raise DataError(f"{where}: not the answer of a drift server: {shown(text)}") from error
