"""What a run's end tells MLflow: how it ended and why, its arguments and its pages.

It is told of every run, also of one that failed before anything was pushed.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kanaria.components.report import kfp_arguments
from kanaria.components.report.run_outcome import Happened, Outcome, first_cause
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.storage import uri_files
from kanaria.serving.model_registry import run_facts, tracked_run, tracking_settings
from kanaria.serving.model_registry.mlflow_client import MlflowClient
from kanaria.serving.model_registry.run_facts import RunFacts
from kanaria.serving.model_registry.tracked_run import Status, TrackedRun
from kanaria.serving.model_registry.tracker import Tracker, identity_of

STATUS: Mapping[Outcome, Status] = {
    Outcome.SUCCEEDED: Status.FINISHED,
    Outcome.FAILED: Status.FAILED,
    Outcome.CANCELLED: Status.KILLED,
    Outcome.UNFINISHED: Status.KILLED,
}
UNTOLD = (tracking_settings.WHERE, "notify_url")
"""Arguments of a pipeline that say nothing of a model; the address may hold a secret."""
MOST_PAGES, MOST_BYTES = 40, 8 * 2**20
"""Pages of a run that are kept, and the size of one."""


def tell(mapping: Mapping[str, Any], run: Happened, summary: str) -> str:
    """Tell MLflow of a run; return in one sentence what came of it, "" where nobody asked for it.

    Args:
        mapping: the pipeline's parameter `tracking`.
        run: that has ended.
        summary: of it, Markdown.
    """
    try:
        faults = Faults("report_run")
        tracking = tracking_settings.within(mapping, faults, os.environ)
        faults.raise_if_any()
    except KanariaError as error:
        return f"not tracked: {error}"
    if tracking is None:
        return ""
    started = run.started.timestamp() if run.started else None
    identity = identity_of(tracking, run.run_id, run.pipeline, started)
    arguments, lacking = _arguments(run)
    # An exit handler cannot fail a run; where tracking is required, push_model has.
    tracker = Tracker(replace(tracking, tracking_required=False), identity)
    page = tracker.attempt(
        lambda client, tracked: _logged(client, tracked, run, arguments, summary)
    )
    return f"tracked at {page}{lacking}" if page else tracker.failure


def _arguments(run: Happened) -> tuple[dict[str, Any], str]:
    """Return the run's arguments, and why they are not known where they are not."""
    try:
        values = run.left.arguments or kfp_arguments.of_run(run.run_id)
    except KanariaError as error:
        return {}, f", without its parameters: {error}"
    return {name: value for name, value in values.items() if name not in UNTOLD}, ""


def _logged(
    client: MlflowClient,
    tracked: TrackedRun,
    run: Happened,
    arguments: Mapping[str, Any],
    summary: str,
) -> str:
    params = run_facts.params(arguments)
    # What push_model has logged is what the run really had.
    new = {key: value for key, value in params.items() if key not in tracked.params}
    pages = dict(list(run.left.pages.items())[:MOST_PAGES])
    # The status comes first: whatever becomes of the rest, no ended run seems to go on.
    tracked_run.end(client, tracked, STATUS[run.outcome])
    facts = RunFacts(params=new, tags={**_marks(run, summary), **_links(tracked, pages)})
    tracked_run.log(client, tracked, facts)
    tracked_run.keep(client, tracked, _files(summary, pages))
    return tracked.page(client.uri)


def _marks(run: Happened, summary: str) -> dict[str, str]:
    return run_facts.tags(
        {
            "kanaria.run_outcome": str(run.outcome),
            "kanaria.cause": first_cause(run),
            "mlflow.note.content": summary,
        }
    )


def _links(tracked: TrackedRun, pages: Mapping[str, str]) -> dict[str, str]:
    """Return where the pages lie, for a server that takes no files."""
    if tracked_run.takes_files(tracked):
        return {}
    return run_facts.tags({f"kanaria.report.{name}": uri for name, uri in pages.items()})


def _files(summary: str, pages: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the summary and the pages, without those that are too large."""
    yield "reports/summary.md", summary.encode()
    for name, uri in pages.items():
        with uri_files.opened(uri) as path:
            content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
        if content:
            ending = ".html" if content.lstrip()[:9].lower() == b"<!doctype" else ".md"
            yield f"reports/{name}{ending}", content
