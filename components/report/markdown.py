"""The Markdown of a run's summary. Pure.

KFP's UI renders it with markdown-to-jsx without raw HTML; what comes from logs is escaped.
"""

from collections.abc import Iterator, Sequence

from kanaria.components.report.run_outcome import Cause, Happened, Step
from kanaria.components.shared.html_report.markdown_text import table, text
from kanaria.components.shared.times import clock, stopwatch

MOST_STEPS = 100
UNBROKEN = "\N{NO-BREAK SPACE}"


def headline(run: Happened) -> str:
    """Return the verdict in one line."""
    took = f" after {stopwatch(run.seconds)}" if run.started else ""
    return f"{run.pipeline} {run.outcome}{took}"


def _cause(cause: Cause) -> str:
    return f"**{text(cause.step)}**: {text(cause.text)}" if cause.step else text(cause.text)


def _facts(run: Happened, versions: Sequence[tuple[str, str]]) -> list[list[str]]:
    started = clock(run.started.timestamp()) + " UTC" if run.started else ""
    endpoint = run.left.endpoint
    facts = [
        ("run id", run.run_id),
        ("run", run.run_name if run.run_name != run.run_id else ""),
        ("started", started),
        ("ended", clock(run.ended.timestamp()) + " UTC"),
        ("revision", _revision(run)),
        ("model", endpoint.get("storage_uri", "")),
        *versions,
    ]
    return [[name, text(value)] for name, value in facts if value]


def _revision(run: Happened) -> str:
    """Return what serves the model after a push, or why nothing was pushed."""
    endpoint = run.left.endpoint
    if endpoint and not endpoint.get("pushed"):
        return f"none: {endpoint.get('reason', '')}"
    share = f"{endpoint.get('percent')} % when it was pushed"
    service = f"{endpoint.get('namespace')}/{endpoint.get('name')}"
    return f"{endpoint['revision']} of {service}, {share}" if endpoint.get("revision") else ""


def _report_uris(run: Happened) -> list[str]:
    return [uri for step in run.left.steps for uri in step.report_uris][:MOST_STEPS]


def _row(step: Step) -> list[str]:
    reason = step.cause or step.verdict
    took = stopwatch(step.seconds).replace(" ", UNBROKEN) if step.seconds else ""
    return [text(step.name), text(step.state), took, text(reason)]


def _steps(steps: Sequence[Step]) -> Iterator[str]:
    rows = [_row(step) for step in steps[:MOST_STEPS]]
    timed = any(row[2] for row in rows)
    cells = [[cell for place, cell in enumerate(row) if timed or place != 2] for row in rows]
    headers = (
        ["step", "state", "time", "what it said"] if timed else ["step", "state", "what it said"]
    )
    yield from table(headers, cells)
    if len(steps) > MOST_STEPS:
        yield f"{len(steps) - MOST_STEPS} more steps are left out."
        yield ""


def render(run: Happened, versions: Sequence[tuple[str, str]], remarks: Sequence[str] = ()) -> str:
    """Return the whole document.

    Args:
        run: the run.
        versions: name and value of what took part.
        remarks: what a reader should know of the report itself, such as who was notified.
    """
    lines = [f"# {text(headline(run))}", ""]
    if len(run.causes) == 1:
        lines += [_cause(run.causes[0]), ""]
    else:
        lines += [*(f"- {_cause(cause)}" for cause in run.causes), ""]
    lines += [line for uri in _report_uris(run) for line in (f"Kept: {text(uri)}", "")]
    first, *others = _facts(run, versions)
    lines += table(first, others)
    if run.left.steps:
        lines += ["## Steps", "", *_steps(run.left.steps)]
    lines += [line for remark in (*run.left.notes, *remarks) for line in (text(remark), "")]
    return "\n".join(lines)
