"""One line of the doctor's report. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What was found.

    OK        what delivery needs is there
    LIMITED   something that some services need is not there
    MISSING   delivery does not work without it
    UNKNOWN   this account may not see it
    """

    OK = "ok"
    LIMITED = "limited"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found about `subject`: its state, and a text with the remedy if one is needed."""

    subject: str
    state: State
    text: str


def report(findings: Sequence[Finding]) -> str:
    """Return the findings as aligned lines."""
    width = max((len(finding.subject) for finding in findings), default=0)
    lines = [f"{f.subject:{width}}  {f.state.value:8} {f.text}".rstrip() for f in findings]
    return "".join(f"{line}\n" for line in lines)


def is_fit(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing that delivery needs is known to be missing."""
    return all(finding.state is not State.MISSING for finding in findings)
