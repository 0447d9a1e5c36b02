"""The share of the requests that one revision gets. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RevisionTraffic:
    """The share of requests a revision gets: `percent`, 0 to 100."""

    revision: str
    percent: int
