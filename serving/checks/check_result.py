"""What one check found. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from kanaria.components.shared.artifacts import metadata

MOST = 10
"""Findings of one kind that are told; more say no more."""


class Verdict(StrEnum):
    """The verdict of a check.

    PASSED    everything it looked at is right
    FAILED    something is wrong: the revision gets no traffic
    SKIPPED   it was switched off, or there was nothing to look at; it stops nobody
    """

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of one check.

    Attributes:
        check: its name.
        verdict: what it decided.
        reasons: what is wrong, one sentence each; not empty when it failed.
        notes: what a reader must know beside, for instance what could not be looked at.
        numbers: what was measured: name with its unit -> number.
    """

    check: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)

    def as_metadata(self) -> dict[str, Any]:
        """Return it as plain values, for an artifact's metadata or JSON."""
        return dict(metadata.plain(asdict(self) | {"verdict": self.verdict.value}))


def judged(
    check: str,
    reasons: Iterable[str],
    notes: Iterable[str] = (),
    numbers: Mapping[str, float] | None = None,
) -> Result:
    """Return the result of a check that looked: it passed if there is no reason against it."""
    all_reasons = tuple(reasons)
    cut = (f"and {len(all_reasons) - MOST} more",) if len(all_reasons) > MOST else ()
    return Result(
        check=check,
        verdict=Verdict.FAILED if all_reasons else Verdict.PASSED,
        reasons=all_reasons[:MOST] + cut,
        notes=tuple(notes),
        numbers=numbers or {},
    )


def skipped(check: str, why: str) -> Result:
    """Return the result of a check that did not look, and why."""
    return Result(check=check, verdict=Verdict.SKIPPED, notes=(why,))


def failures(results: Iterable[Result]) -> str:
    """Return the failed checks with their reasons in one line, "" when none failed."""
    failed = [result for result in results if result.verdict is Verdict.FAILED]
    return "; ".join(f"{result.check}: {', '.join(result.reasons)}" for result in failed)
