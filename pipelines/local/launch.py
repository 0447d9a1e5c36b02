"""Runs a pipeline on this machine: what `kanaria run` and a notebook call."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kanaria.components.shared.command_line import tell
from kanaria.pipelines import requirements
from kanaria.pipelines.compiled_pipelines import ENDINGS, documents
from kanaria.pipelines.local import arguments, own_packages, plan, pods, progress, record
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.record import RunRecord, TaskRecord
from kanaria.pipelines.local.run import run

MODEL_ROOT = "model_root"


def launch(
    pipeline: str,
    *,
    config: str = "",
    settings: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    root: Root | None = None,
    show: Callable[[TaskRecord], None] | None = None,
    keep_warm: int = 0,
    run_name: str = "",
) -> tuple[RunRecord, Path]:
    """Run a pipeline; return its record and the path of its index.html.

    Args:
        pipeline: `train_and_deploy`, or the path of a compiled .yaml file.
        config: YAML file of parameters, "" for none.
        settings: `key=value` texts over it.
        values: parameter -> value over both.
        root: where runs and results are kept; `.kanaria` by default.
        show: called at every change of a task; by default a line a task is printed.
        keep_warm: for how many minutes the process that has imported TensorFlow is kept for a next
            run of the same environment and code.
        run_name: name of the run, which no other run here has; "" for one of its own.

    Raises:
        ParameterError: there is no such pipeline, or parameters are wrong; all at once.
        DataError: a file of the user's is not there.
        UserCodeError: the user's module cannot be imported.
        NotReadyError: a store does not answer.
    """
    root = root or Root(path=Path(".kanaria").resolve())
    if run_name:
        record.check_name(run_name)
    read = documents(pipeline)
    document: Any = next(iter(read), None)
    pipeline_plan = plan.read(document)
    # Everybody's pipelines have the same settings, which nobody of this machine's asked for.
    if pipeline.endswith(ENDINGS) and (remark := pods.remark(read)):
        tell(f"note: {remark}")
    merged = {**arguments.of_command_line(config, settings, pipeline_plan), **(values or {})}
    listed, merged = requirements.split_off(merged, pipeline_plan.parameters)
    if MODEL_ROOT in pipeline_plan.parameters:
        merged.setdefault(MODEL_ROOT, str(root.models))
    checked = arguments.checked(pipeline_plan, merged)
    if listed:
        own_packages.ensure(listed)
        pipeline_plan = plan.read(requirements.with_packages(document, listed))
    progress_shown = show or progress.on(sys.stdout)
    return run(pipeline_plan, checked, root, progress_shown, keep_warm, run_name)
