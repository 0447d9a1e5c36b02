"""What KFP's driver fills into a task's constants, as far as a run on this machine has it. Pure.

Source: kfp.dsl, PIPELINE_JOB_*_PLACEHOLDER; its values are written here because kfp takes seconds
to load.
"""

from typing import Any

RUN = (
    "{{$.pipeline_job_uuid}}",
    "{{$.pipeline_job_name}}",
    "{{$.pipeline_job_resource_name}}",
)
"""Id, name and resource of the run, which are one here."""
CREATED = "{{$.pipeline_job_create_time_utc}}"


def filled(constant: Any, run_id: str, started: str) -> Any:
    """Return the constant with what a text asks for filled in; the rest stays as it is.

    Args:
        constant: of a task.
        run_id: of the run.
        started: when the run began, UTC, ISO 8601.
    """
    if not isinstance(constant, str):
        return constant
    for placeholder in RUN:
        constant = constant.replace(placeholder, run_id)
    return constant.replace(CREATED, started)
