"""The exit handler around a pipeline's steps: it says how the run ended, and tells who asked."""

from collections.abc import Sequence
from typing import Any

from kfp import dsl

from kanaria.components import report_run


def reported(
    pipeline: str, steps: Sequence[str], last_step: str, notify_url: Any, tracking: Any = None
) -> dsl.ExitHandler:
    """Return the handler; the pipeline's steps are made in it.

    Args:
        pipeline: name of the pipeline.
        steps: names of its tasks in the order of a report. KFP tells an exit task neither these
            nor what became of them.
        last_step: the one that is never reused and leaves artifacts when all before it went well.
        notify_url: where an event is posted; "" for the environment's.
        tracking: the pipeline's parameter of that name; None for a pipeline without it.
    """
    report = report_run(
        pipeline_name=pipeline,
        run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        run_name=dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
        created=dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
        steps=list(steps),
        last_step=last_step,
        notify_url=notify_url,
        **({} if tracking is None else {"tracking": tracking}),
    )
    report.set_caching_options(False)  # It reads what this run left.
    # Without a name of its own: back ends before 2.17 look it up by that, and find nothing.
    return dsl.ExitHandler(report)
