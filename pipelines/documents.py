"""The compiled pipelines by name or by path; loads no kfp."""

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from kanaria.components.shared.errors import ParameterError, shown


def read(pipeline: str) -> list[dict[str, Any]]:
    """Return the documents of a compiled pipeline: the pipeline, then its platform's settings.

    Args:
        pipeline: `train_and_deploy`, or the path of a compiled .yaml file.

    Raises:
        ParameterError: there is no such pipeline, or the file is not YAML.
    """
    if pipeline.endswith((".yaml", ".yml")):
        path = Path(pipeline)
        if not path.is_file():
            raise ParameterError(f"pipeline={shown(pipeline)}: no such file")
        text = path.read_text(encoding="utf-8")
    else:
        found = resources.files("kanaria.pipelines") / pipeline / "pipeline.yaml"
        if not found.is_file():
            raise ParameterError(
                f"pipeline={shown(pipeline)}: unknown; name train_and_deploy or a compiled .yaml "
                "file"
            )
        text = found.read_text(encoding="utf-8")
    try:
        return list(yaml.safe_load_all(text)) or [{}]
    except yaml.YAMLError as error:
        raise ParameterError(f"{pipeline}: not YAML: {shown(str(error))}") from error
