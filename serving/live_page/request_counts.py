"""What a router has counted of each revision, and what came in between two scrapes. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from kanaria.serving.live_page.metric_samples import Samples

Revision: TypeAlias = tuple[str, str, str]
"""Namespace, service, revision."""
LABELS = ("namespace", "service", "revision")
MOST_REVISIONS = 200
"""That are counted: a router of one machine serves fewer, and the history is bounded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Of one revision.

    Attributes:
        requests: answered.
        errors: of them, with a status of 500 or more.
        refused: of them, with another status of 400 or more.
        within: upper bound in seconds -> requests that took at most as long; the last is infinity.
    """

    requests: float = 0.0
    errors: float = 0.0
    refused: float = 0.0
    within: Mapping[float, float]

    def __add__(self, other: "Counts") -> "Counts":
        """Return both together."""
        return self._with(other, 1.0)

    def __sub__(self, earlier: "Counts") -> "Counts":
        """Return what has come since."""
        return self._with(earlier, -1.0)

    def _with(self, other: "Counts", sign: float) -> "Counts":
        bounds = sorted({*self.within, *other.within})
        return Counts(
            requests=self.requests + sign * other.requests,
            errors=self.errors + sign * other.errors,
            refused=self.refused + sign * other.refused,
            within={b: self.within.get(b, 0.0) + sign * other.within.get(b, 0.0) for b in bounds},
        )

    @property
    def is_possible(self) -> bool:
        """Whether none is below zero: a counter only grows, until its process ends."""
        values = (self.requests, self.errors, self.refused, *self.within.values())
        return all(0 <= value < math.inf for value in values)


NONE = Counts(within={})


def counted(samples: Samples) -> dict[Revision, Counts]:
    """Return the counts of each revision in a router's scrape, of at most MOST_REVISIONS."""
    answered: dict[Revision, Counts] = {}
    for sample in samples.of("kanaria_requests_total"):
        revision, code = _revision(sample.labels), sample.labels.get("code", "")
        many = sample.value
        one = Counts(
            requests=many,
            errors=many if code.startswith("5") else 0.0,
            refused=many if code.startswith("4") else 0.0,
            within={},
        )
        answered[revision] = answered.get(revision, NONE) + one
    within: dict[Revision, dict[float, float]] = {}
    for sample in samples.of("kanaria_request_seconds_bucket"):
        bounds = within.setdefault(_revision(sample.labels), {})
        bounds[float(sample.labels.get("le", "inf"))] = sample.value
    names = sorted(answered)[-MOST_REVISIONS:]
    return {name: answered[name] + Counts(within=within.get(name, {})) for name in names}


def _revision(labels: Mapping[str, str]) -> Revision:
    namespace, service, revision = (labels.get(label, "") for label in LABELS)
    return namespace, service, revision
