"""The KFP interface of report_run."""

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def report_run(
    status: dsl.PipelineTaskFinalStatus,
    summary: dsl.Output[dsl.Markdown],
    pipeline_name: str,
    run_id: str,
    run_name: str = "",
    created: str = "",
    steps: list = [],  # noqa: B006  KFP takes a literal default and never mutates it.
    last_step: str = "",
    notify_url: str = "",
    notify_format: str = "",
    tracking: dict = {},  # noqa: B006
) -> str:
    """Say how a run ended and why. For a pipeline's exit handler; never cache this step.

    Args:
        status: What KFP says of the tasks that the handler stands around.
        pipeline_name: Name of the pipeline.
        run_id: dsl.PIPELINE_JOB_ID_PLACEHOLDER.
        run_name: dsl.PIPELINE_JOB_NAME_PLACEHOLDER, or empty.
        created: dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER, or empty.
        steps: Names of the pipeline's tasks in their order, as resolve-span.
        last_step: Task that is never cached and leaves artifacts when all before it went well;
            where KFP does not know how a run ended, that tells it. Or empty.
        notify_url: Where an event is posted; empty for KANARIA_NOTIFY_URL, else nowhere.
        notify_format: cloudevent, cloudevent-binary or webhook (a text, as chats take it); empty
            for KANARIA_NOTIFY_FORMAT, else cloudevent.
        tracking: {"tracking_uri": "http://host:5000"} and more: the MLflow server that is told how
            the run ended, with its pages; its keys are in the README of push_model. {} for none.

    Returns:
        summary: Outcome, causes, steps, versions and what is served.
        Output: succeeded, failed, cancelled, or unfinished where nothing says which.
    """
    from pathlib import Path

    from kanaria.components.report import report
    from kanaria.components.report.run_outcome import Status

    request = report.RunReport(
        status=Status(
            state=status.state or "",
            code=status.error_code or 0,
            message=status.error_message or "",
        ),
        pipeline=pipeline_name,
        run_id=run_id,
        run_name=run_name,
        created=created,
        steps=steps,
        last=last_step,
        notify_url=notify_url,
        notify_format=notify_format,
        tracking=tracking,
    )
    summary.metadata.update(report.write(request, summary.uri, Path(summary.path)))
    return str(summary.metadata["outcome"])
