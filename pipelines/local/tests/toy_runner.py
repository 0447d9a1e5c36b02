"""Compiles toy pipelines and runs them as `kanaria run` does."""

from pathlib import Path
from typing import Any

import yaml
from kfp import compiler

from kanaria.pipelines.local import arguments, plan
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.record import RunRecord
from kanaria.pipelines.local.run import run


def compiled(pipeline: Any, folder: Path) -> dict[str, Any]:
    path = folder / f"{pipeline.name}.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    return yaml.safe_load(path.read_text())


class Runner:
    """Runs compiled pipelines under one root."""

    def __init__(self, folder: Path) -> None:
        self.root = Root(path=folder / "root")

    def run(self, document: dict[str, Any], **values: Any) -> RunRecord:
        toy_plan = plan.read(document)
        return run(toy_plan, arguments.checked(toy_plan, values), self.root, lambda _: None)[0]
