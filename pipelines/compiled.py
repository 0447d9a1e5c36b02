"""Reads compiled pipelines: those of the package by name, others from a YAML file."""

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from kanaria.components.shared.errors import ParameterError, shown

ENDINGS = (".yaml", ".yml")


def documents(pipeline: str) -> list[Any]:
    """Return the YAML documents of a pipeline: the pipeline, then its platform's if there is one.

    Args:
        pipeline: name of a pipeline of this package, or path of a compiled .yaml file.

    Raises:
        ParameterError: there is no such pipeline or file, or it is not YAML.
    """
    if pipeline.endswith(ENDINGS):
        path = Path(pipeline)
        if not path.is_file():
            raise ParameterError(f"pipeline={shown(pipeline)}: no such file")
        text = path.read_text(encoding="utf-8")
    else:
        file = resources.files("kanaria.pipelines") / pipeline / "pipeline.yaml"
        if not file.is_file():
            raise ParameterError(
                f"pipeline={shown(pipeline)}: unknown; "
                "name train_and_deploy, watch_for_drift or a compiled .yaml file"
            )
        text = file.read_text(encoding="utf-8")
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise ParameterError(f"{pipeline}: not YAML: {shown(str(error))}") from error
