"""The last lines of a run on the terminal. Pure."""

from kanaria.pipelines.local.record import RunRecord, State

ENDPOINT = "endpoint"
OUTCOME = "outcome"
REPORT = ".html"


def _reports(record: RunRecord) -> list[str]:
    return [
        f"report: {path}"
        for task in record.tasks
        for path in task.artifacts.values()
        if path.endswith(REPORT)
    ]


def _endpoints(record: RunRecord) -> list[str]:
    """Return where a model was pushed, or why it was not; any step with an endpoint counts."""
    found = [task.metadata[ENDPOINT] for task in record.tasks if task.metadata.get(ENDPOINT)]
    return [
        f"endpoint: {values['url']} ({values.get('revision')}, {values.get('percent')} %)"
        if values.get("url")
        else f"endpoint: {values.get('reason', '')}"
        for values in found
    ]


def _refusals(record: RunRecord) -> list[str]:
    """Return what a judging step did not let pass, so that a skipped task has its reason."""
    found = [task.metadata.get(OUTCOME, {}) for task in record.tasks]
    return [str(values["summary"]) for values in found if values.get("passed") is False]


def text(record: RunRecord, index: str) -> str:
    """Return the summary of a finished run, one fact a line, the run's overview last.

    Args:
        record: the finished run.
        index: path of its index.html.
    """
    reused = sum(task.state is State.REUSED for task in record.tasks)
    waiting = [task.name for task in record.tasks if task.state is State.PENDING]
    lines = [
        f"{record.state.value} in {record.seconds:.1f} s, {reused} tasks reused",
        *([f"not run: {', '.join(waiting)}"] if waiting else []),
        *_reports(record),
        *_refusals(record),
        *_endpoints(record),
        index,
    ]
    return "\n".join(lines) + "\n"
