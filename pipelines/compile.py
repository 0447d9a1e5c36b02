"""Compiles the named pipelines to YAML; the only module beside the pipelines that loads kfp."""

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from kanaria.components.shared import atomic, yaml_text
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.images import CONTROL_IMAGE, TRAINING_IMAGE
from kanaria.pipelines import requirements
from kanaria.pipelines.compiled import NAMES
from kanaria.pipelines.requirements import MARK

IMAGES = (TRAINING_IMAGE, CONTROL_IMAGE)


def _compiled(name: str) -> dict[str, Any]:
    from kfp import compiler

    pipeline = getattr(import_module(f"kanaria.pipelines.{name}.pipeline"), name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        return dict(yaml_text.read(path))


def with_prefix(document: dict[str, Any], image_prefix: str) -> dict[str, Any]:
    """Return the document with Kanaria's images taken from a registry.

    Args:
        document: compiled pipeline.
        image_prefix: registry and path, for instance "registry.example.com/ml"; "" for none.
    """
    for executor in document["deploymentSpec"].get("executors", {}).values():
        container = executor.get("container", {})
        if container.get("image", "").partition(MARK)[0] in IMAGES and image_prefix:
            container["image"] = f"{image_prefix.rstrip('/')}/{container['image']}"
    return document


def compile_pipeline(
    name: str, output: Path, image_prefix: str = "", requirements_file: str = ""
) -> None:
    """Write the compiled pipeline `name` to `output`, atomically.

    Raises:
        ParameterError: there is no such pipeline, or no such list of packages.
    """
    if name not in NAMES:
        raise ParameterError(f"pipeline={shown(name)}: unknown; there are {', '.join(NAMES)}")
    listed, _ = requirements.taken({requirements.KEY: requirements_file}, {})
    document = with_prefix(requirements.with_packages(_compiled(name), listed), image_prefix)
    atomic.write_text(output, yaml_text.dump(document, sort_keys=True))
