"""The exit handler around a pipeline's steps: it says how the run ended, and tells who asked."""

from collections.abc import Sequence
from typing import Any

from kfp import dsl

from kanaria.components import report_run


def reported(
    pipeline: str, steps: Sequence[str], last_step: str, notify_url: Any
) -> dsl.ExitHandler:
    """Return the handler; the pipeline's steps are made in it.

    Args:
        pipeline: name of the pipeline.
        steps: names of its tasks in the order of a report. KFP tells an exit task neither these
            nor what became of them.
        last_step: the one that is never reused and leaves artifacts when all before it went well.
        notify_url: where an event is posted; "" for the environment's.
    """
    report = report_run(
        pipeline_name=pipeline,
        run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        run_name=dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
        created=dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
        steps=list(steps),
        last_step=last_step,
        notify_url=notify_url,
    )
    report.set_caching_options(False)  # It reads what this run left.
    # Without a name of its own: back ends before 2.17 look it up by that, and find nothing.
    return dsl.ExitHandler(report)
