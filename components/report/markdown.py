"""The Markdown of a run's summary. Pure.

KFP's UI renders it with markdown-to-jsx without raw HTML; what comes from logs is escaped, so that
it is read as it was written and makes no links, tables or headings of its own.
"""

import re
from collections.abc import Iterator, Sequence

from kanaria.components.report.run_outcome import Cause, Happened, Step
from kanaria.components.shared.times import clock, stopwatch

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~&=$]|^[#+-]|(?<=^\d)[.)](?=\s))")
"""What Markdown reads; at a line's beginning also headings and lists."""
LONGEST = 2_000
"""Characters of one text; the UI shows 400,000 in all."""
MOST_STEPS = 100
UNBROKEN = "\N{NO-BREAK SPACE}"


def text(value: object) -> str:
    """Return a value on one line, cut, so that Markdown shows it as it is."""
    line = " ".join(str(value).split())
    cut = line if len(line) <= LONGEST else f"{line[:LONGEST]}… ({len(line)} characters)"
    return SPECIAL.sub(r"\\\1", cut)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield f"|{' --- |' * len(headers)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def headline(found: Happened) -> str:
    """Return the verdict in one line."""
    took = f" after {stopwatch(found.seconds)}" if found.started else ""
    return f"{found.pipeline} {found.outcome}{took}"


def _cause(cause: Cause) -> str:
    return f"**{text(cause.step)}**: {text(cause.text)}" if cause.step else text(cause.text)


def _facts(found: Happened, versions: Sequence[tuple[str, str]]) -> list[list[str]]:
    started = clock(found.started.timestamp()) + " UTC" if found.started else ""
    endpoint = found.left.endpoint
    facts = [
        ("run id", found.run_id),
        ("run", found.run_name if found.run_name != found.run_id else ""),
        ("started", started),
        ("ended", clock(found.ended.timestamp()) + " UTC"),
        ("revision", _revision(found)),
        ("model", endpoint.get("storage_uri", "")),
        *versions,
    ]
    return [[name, text(value)] for name, value in facts if value]


def _revision(found: Happened) -> str:
    """Return what serves the model after a push, or why nothing was pushed."""
    endpoint = found.left.endpoint
    if endpoint and not endpoint.get("pushed"):
        return f"none: {endpoint.get('reason', '')}"
    share = f"{endpoint.get('percent')} % when it was pushed"
    service = f"{endpoint.get('namespace')}/{endpoint.get('name')}"
    return f"{endpoint['revision']} of {service}, {share}" if endpoint.get("revision") else ""


def _kept(found: Happened) -> list[str]:
    return [uri for step in found.left.steps for uri in step.kept][:MOST_STEPS]


def _row(step: Step) -> list[str]:
    told = step.cause or step.verdict
    took = stopwatch(step.seconds).replace(" ", UNBROKEN) if step.seconds else ""
    return [text(step.name), text(step.state), took, text(told)]


def _steps(steps: Sequence[Step]) -> Iterator[str]:
    rows = [_row(step) for step in steps[:MOST_STEPS]]
    timed = any(row[2] for row in rows)
    kept = [[cell for place, cell in enumerate(row) if timed or place != 2] for row in rows]
    headers = (
        ["step", "state", "time", "what it said"] if timed else ["step", "state", "what it said"]
    )
    yield from _table(headers, kept)
    if len(steps) > MOST_STEPS:
        yield f"{len(steps) - MOST_STEPS} more steps are left out."
        yield ""


def render(
    found: Happened, versions: Sequence[tuple[str, str]], remarks: Sequence[str] = ()
) -> str:
    """Return the whole document.

    Args:
        found: the run.
        versions: name and value of what took part.
        remarks: what a reader should know of the report itself, such as who was notified.
    """
    lines = [f"# {text(headline(found))}", ""]
    if len(found.causes) == 1:
        lines += [_cause(found.causes[0]), ""]
    else:
        lines += [*(f"- {_cause(cause)}" for cause in found.causes), ""]
    lines += [line for uri in _kept(found) for line in (f"Kept: {text(uri)}", "")]
    first, *others = _facts(found, versions)
    lines += _table(first, others)
    if found.left.steps:
        lines += ["## Steps", "", *_steps(found.left.steps)]
    lines += [line for remark in (*found.left.notes, *remarks) for line in (text(remark), "")]
    return "\n".join(lines)
