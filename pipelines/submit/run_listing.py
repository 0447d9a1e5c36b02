"""Lists the runs of a server, and tells which one a name means."""

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.one_line import one_line
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.run_snapshot import FINISHED, ended, snapshot, state_of
from kanaria.pipelines.submit.workflow_nodes import EPOCH_YEAR, Names

ANSWER_SECONDS = 30.0
"""How long a single question is repeated while the server does not answer."""
MOST_NAMED = 10
"""Of runs in a message."""
RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOT_ARCHIVED = {"key": "storage_state", "operation": "NOT_EQUALS", "stringValue": "ARCHIVED"}
UNKNOWN = Names(steps={}, branches={}, is_complete=False)
"""The tasks of a pipeline that the server has no longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A run as the server lists it: `said` is its state, `seconds` how long it took or takes."""

    run_id: str
    run_name: str
    said: str
    created: datetime | None
    seconds: float


def took(entry: Any, otherwise: float) -> float:
    """Return how long a run took; `otherwise` where the server does not tell."""
    start, end = entry.created_at, entry.finished_at
    if start is None or end is None or end.year <= EPOCH_YEAR:
        return otherwise
    return max((end - start).total_seconds(), 0.0)


def _said(entry: Any) -> str:
    """Return a listed run's state as a person calls it."""
    now = snapshot(entry, UNKNOWN, datetime.now(UTC))
    outcome = ended(now.state, now.canceling)
    return outcome.said if outcome else now.state.value.lower()


def _listed(entry: Any) -> Listed:
    created = entry.created_at
    age = (datetime.now(UTC) - created).total_seconds() if created else 0.0
    return Listed(
        run_id=entry.run_id,
        run_name=one_line(entry.display_name or ""),
        said=_said(entry),
        created=created,
        seconds=took(entry, 0.0 if state_of(entry.state) in FINISHED else age),
    )


def newest(server: Server, most: int) -> list[Listed]:
    """Return the newest runs that are not archived, the newest last.

    Args:
        server: where to look.
        most: how many at most.

    Raises:
        NotReadyError: the server does not answer.
    """
    runs = [_listed(entry) for entry in itertools.islice(server.runs(NOT_ARCHIVED), most)]
    return runs[::-1]


def of_schedule(server: Server, schedule_id: str) -> list[Listed]:
    """Return the runs of a schedule that have not ended, the newest last.

    Raises:
        NotReadyError: the server does not answer.
    """
    of_it = {"key": "recurring_run_id", "operation": "EQUALS", "stringValue": schedule_id}
    entries = [e for e in server.runs(of_it) if state_of(e.state) not in FINISHED]
    return [_listed(entry) for entry in entries][::-1]


def _beginning(server: Server, key: str, name: str) -> Iterator[Any]:
    """Yield the runs whose `key`, run_id or display_name, begins so."""
    predicate = {"key": key, "operation": "IS_SUBSTRING", "stringValue": name}
    for entry in server.runs(predicate):
        if (getattr(entry, key) or "").startswith(name):
            yield entry


def _candidates(server: Server, name: str) -> list[Any]:
    """Return the runs that a name may mean: those that are called so, else those that begin so."""
    named = list(_beginning(server, "display_name", name))
    if exact := [entry for entry in named if entry.display_name == name]:
        return exact
    by_id = list(_beginning(server, "run_id", name))
    if exact := [entry for entry in by_id if entry.run_id == name]:
        return exact
    return list({entry.run_id: entry for entry in (*named, *by_id)}.values())


def one(server: Server, name: str) -> str:
    """Return the id of the run that a name means; "" means the newest."""
    if not name:
        entries = list(itertools.islice(server.runs(NOT_ARCHIVED), 1))
        if not entries:
            raise ParameterError(f"{server.host}: there is no run yet; `kanaria submit` starts one")
        return str(entries[0].run_id)
    if RUN_ID.fullmatch(name):
        return name
    candidates = _candidates(server, name)
    if len(candidates) == 1:
        return str(candidates[0].run_id)
    if candidates:
        raise ParameterError(
            f"run={shown(name)}: {_choice([_listed(entry) for entry in candidates])}"
        )
    names = [run.run_name for run in newest(server, 100)]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {shown(near[0])}?" if near else "see `kanaria runs list`"
    raise ParameterError(f"run={shown(name)}: there is none on {server.host}; {hint}")


def description(run: Listed) -> str:
    """Return a run as a message names it."""
    when = f", {run.created:%Y-%m-%d %H:%M} UTC" if run.created else ""
    return f"{run.run_id} ({run.run_name}, {run.said}{when})"


def _choice(runs: Sequence[Listed]) -> str:
    left = len(runs) - MOST_NAMED
    more = f" and {left} more" if left > 0 else ""
    listed = "; ".join(description(each) for each in runs[:MOST_NAMED])
    return f"{len(runs)} runs are called or begin so; name one by its id: {listed}{more}"
