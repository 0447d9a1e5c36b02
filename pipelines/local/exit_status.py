"""What an exit task is told of the tasks around which it stands. Pure.

Source: proto message PipelineTaskFinalStatus of KFP 2.17, with the names of its JSON form and the
states of kfp.dsl.PipelineTaskFinalStatus; codes are those of google.rpc.Code. KFP's back end
leaves the error empty and calls success COMPLETE; `kfp.local` fills both as it is done here.
"""

from collections.abc import Collection
from typing import Any

from kanaria.pipelines.local.record import RunRecord, State, TaskRecord

CANCELLED, UNKNOWN = 1, 2


def _of(record: RunRecord, tasks: Collection[str]) -> list[TaskRecord]:
    return [task for task in record.tasks if task.name in tasks]


def of(record: RunRecord, group: str, tasks: Collection[str], was_stopped: bool) -> dict[str, Any]:
    """Return the final status of a group of tasks.

    Args:
        record: the run as it is now.
        group: name of the exit handler.
        tasks: names of those in it.
        was_stopped: whether the runner was told to stop while one of them ran.
    """
    failed = [task for task in _of(record, tasks) if task.state is State.FAILED]
    state, error = "SUCCEEDED", {}
    if failed:
        code = CANCELLED if was_stopped else UNKNOWN
        state = "CANCELLED" if was_stopped else "FAILED"
        error = {"code": code, "message": f"{failed[0].name}: {failed[0].cause}"}
    return {
        "state": state,
        "error": error,
        "pipelineJobResourceName": record.run_id,
        "pipelineTaskName": group,
    }
