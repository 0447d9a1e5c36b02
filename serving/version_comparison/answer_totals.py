"""Totals of what two versions answered, one exchange after the other, in any order. Pure.

A request counts once a version, whatever is repeated; where a client used one id for two
requests, the first one that is seen counts. What is remembered is bounded: of requests that only
one version answered the oldest are forgotten, as two halves of a pair come within moments.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kanaria.serving.payload_log.exchanges import KeptLabel
from kanaria.serving.version_comparison.model_answers import Answer, preferred

Side = Literal["canary", "stable"]
SIDES: tuple[Side, Side] = ("canary", "stable")
OTHERS = "others"
MOST_CLASSES = 100
MOST_REQUESTS = 100_000
"""Requests whose answers are remembered."""
MOST_APART = 10_000
"""Rows of disagreement whose labels count; the test on labels ends long before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Apart:
    """A row to which both versions gave different answers.

    Attributes:
        request_id: X-Request-Id of the request.
        row: place in the request, from 0.
        time: of the earlier answer, in seconds since 1970.
    """

    request_id: str
    row: int
    time: float
    canary: Answer
    stable: Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What a version answered to one request, and when, in seconds since 1970."""

    time: float
    answers: tuple[Answer, ...]


class Totals:
    """The totals; `add` may be called in any order."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.rows: dict[Side, Counter[str]] = {side: Counter() for side in SIDES}
        self.apart: dict[Side, Counter[str]] = {side: Counter() for side in SIDES}
        self.pairs = 0
        self.rows_apart: list[Apart] = []
        self._answers: dict[str, dict[Side, Answered]] = {}

    def add(self, side: Side, request_id: str, answered: Answered) -> None:
        """Count what a version answered; without an id its rows have no partner."""
        answers = self._answers.setdefault(request_id, {}) if request_id else {}
        if side in answers:
            return
        answers[side] = answered
        _count(self.rows[side], answered.answers)
        if len(answers) == len(SIDES):
            self._pair(request_id, answers["canary"], answers["stable"])
        elif len(self._answers) > MOST_REQUESTS:
            del self._answers[next(iter(self._answers))]

    def _pair(self, request_id: str, canary: Answered, stable: Answered) -> None:
        both = list(zip(canary.answers, stable.answers, strict=False))
        time = min(canary.time, stable.time)
        self.pairs += len(both)
        rows_apart = [
            Apart(request_id=request_id, row=row, time=time, canary=ours, stable=theirs)
            for row, (ours, theirs) in enumerate(both)
            if ours.name != theirs.name
        ]
        _count(self.apart["canary"], (one.canary for one in rows_apart))
        _count(self.apart["stable"], (one.stable for one in rows_apart))
        self.rows_apart += rows_apart[: MOST_APART - len(self.rows_apart)]


def labelled(rows: Iterable[Apart], labels: Mapping[str, Mapping[int, KeptLabel]]) -> Counter[str]:
    """Return how many rows of disagreement have a label that prefers each side, or none ("")."""
    return Counter(
        preferred(one.canary, one.stable, labels[one.request_id][one.row].value)
        for one in rows
        if one.row in labels.get(one.request_id, {})
    )


def unlabelled(
    rows: Iterable[Apart], labels: Mapping[str, Mapping[int, KeptLabel]], limit: int
) -> list[dict[str, Any]]:
    """Return the oldest rows of disagreement without a label, as plain values for JSON."""
    candidates = (one for one in rows if one.row not in labels.get(one.request_id, {}))
    ordered: Sequence[Apart] = sorted(
        candidates, key=lambda one: (one.time, one.request_id, one.row)
    )
    return [
        {
            "request_id": one.request_id,
            "row": one.row,
            "time": one.time,
            "canary": one.canary.name,
            "stable": one.stable.name,
        }
        for one in ordered[:limit]
    ]


def _count(counter: Counter[str], answers: Iterable[Answer]) -> None:
    for one in answers:
        counts = one.name in counter or len(counter) < MOST_CLASSES
        counter[one.name if counts else OTHERS] += 1
