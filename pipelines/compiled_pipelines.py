"""Reads compiled pipelines: those of the package by name, others from a YAML file."""

import difflib
from importlib import resources
from pathlib import Path
from typing import Any

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import ParameterError, shown

NAMES = ("train_and_deploy", "retrain", "promote", "watch_for_drift", "score")
ENDINGS = (".yaml", ".yml")


def documents(pipeline: str) -> list[Any]:
    """Return the YAML documents of a pipeline: the pipeline, then its platform's if there is one.

    Args:
        pipeline: name of a pipeline of this package, or path of a compiled .yaml file.

    Raises:
        ParameterError: there is no such pipeline or file, or it is not YAML.
    """
    if pipeline.endswith(ENDINGS):
        return yaml_text.read_all(Path(pipeline))
    if pipeline not in NAMES:
        near = difflib.get_close_matches(pipeline, NAMES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ParameterError(
            f"pipeline={shown(pipeline)}: unknown; {hint}name {', '.join(NAMES)} or a compiled "
            ".yaml file"
        )
    file = resources.files("kanaria.pipelines") / pipeline / "pipeline.yaml"
    return yaml_text.parse_all(file.read_text(encoding="utf-8"), pipeline)
