"""The work of report_run: look, judge, write the Markdown, tell who asked for it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kanaria.components.report import (
    markdown,
    run_event,
    run_outcome,
    run_record,
    run_tracking,
    step_outputs,
    webhook_post,
)
from kanaria.components.report.run_outcome import Happened, Left, Status
from kanaria.components.shared import step_images
from kanaria.components.shared.artifacts.metadata import described
from kanaria.components.shared.errors import KanariaError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReport:
    """What is to be reported, and to whom.

    Attributes:
        status: what KFP says of the tasks.
        pipeline: name of the pipeline.
        run_id: KFP's id of the run.
        run_name: its name in the UI, or "".
        created: when the run was created, RFC 3339; or "".
        steps: names of the pipeline's tasks, in their order.
        last: the step that always runs and leaves artifacts when all before it went well; or "".
        notify_url: where an event is posted; "" for the environment's.
        notify_format: see `run_event.FORMATS`; "" for the environment's.
        tracking: the MLflow server that is told of the run; {} for none.
    """

    status: Status
    pipeline: str
    run_id: str
    run_name: str = ""
    created: str = ""
    steps: Sequence[str] = ()
    last: str = ""
    notify_url: str = ""
    notify_format: str = ""
    tracking: Mapping[str, Any] = field(default_factory=dict)


def write(request: RunReport, uri: str, path: Path) -> dict[str, Any]:
    """Write the summary of a run, notify who is to be told, and return its metadata.

    It does not fail by what it finds: what could not be read or sent is said in the Markdown and
    in the log, since a failed step's Markdown is not kept.

    Args:
        request: what is reported.
        uri: of the Markdown, beside which the other steps' outputs lie.
        path: where it is written.
    """
    run = look(request, uri, datetime.now(UTC))
    logger.warning("%s", markdown.headline(run))
    for cause in run.causes:
        logger.warning("%s", f"{cause.step}: {cause.text}" if cause.step else cause.text)
    summary = markdown.render(run, _versions())
    path.write_text(summary, encoding="utf-8")
    tracked = run_tracking.tell(request.tracking, run, summary)
    notices = [notice for notice in (tracked, notify(request, run, uri)) if notice]
    if notices:
        logger.warning("%s", "; ".join(notices))
        path.write_text(markdown.render(run, _versions(), notices), encoding="utf-8")
    facts = {"outcome": str(run.outcome), "cause": run_outcome.first_cause(run)}
    return described("summary", facts, markdown.headline(run))


def look(request: RunReport, uri: str, now: datetime) -> Happened:
    """Return what happened in the run, as far as its files say."""
    left = _left(request, uri)
    outcome = run_outcome.outcome(request.status, left, request.last)
    return Happened(
        pipeline=request.pipeline,
        run_id=request.run_id,
        run_name=request.run_name,
        outcome=outcome,
        causes=run_outcome.causes(outcome, request.status, left, request.last),
        started=_moment(request.created),
        ended=now,
        left=left,
    )


def _left(request: RunReport, uri: str) -> Left:
    try:
        folder = step_outputs.run_folder(uri, request.run_id)
        own = uri.removeprefix(folder).strip("/").rpartition("/")[0]
        return run_record.read(folder, own) or step_outputs.read(folder, request.steps)
    except (KanariaError, OSError) as error:
        return Left(notes=(str(error),))


def _moment(text: str) -> datetime | None:
    """Return a time, None for one that nobody filled in."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _versions() -> list[tuple[str, str]]:
    taking_part = [("Kanaria", step_images.VERSION)]
    taking_part += [("images", f"{step_images.TRAINING_IMAGE}, {step_images.CONTROL_IMAGE}")]
    try:
        return [*taking_part, ("KFP SDK of the image", version("kfp"))]
    except PackageNotFoundError:
        return taking_part


def notify(request: RunReport, run: Happened, uri: str) -> str:
    """Post the event; return what became of it, "" where nobody is to be told."""
    try:
        to = webhook_post.receiver(request.notify_url, request.notify_format)
        if to is None:
            return ""
        content = run_event.data(run, uri, step_images.VERSION)
        return webhook_post.post(to, run_event.FORMATS[to.format](run, content))
    except KanariaError as error:
        return f"nobody was notified: {error}"
