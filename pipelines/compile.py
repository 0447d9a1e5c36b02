"""Compiles the named pipelines to YAML.

Beside the pipelines, kfp is loaded here and in `resources.kfp_task` alone.
"""

import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.step_images import (
    CONTROL_IMAGE,
    FEAST_IMAGE,
    TRAINING_GPU_IMAGE,
    TRAINING_IMAGE,
)
from kanaria.components.shared.storage import atomic
from kanaria.pipelines import requirements
from kanaria.pipelines.compiled_pipelines import NAMES
from kanaria.pipelines.requirements import MARK
from kanaria.pipelines.resources import defaults
from kanaria.pipelines.resources.apply_settings import applied
from kanaria.pipelines.resources.settings_of_steps import NOTHING, Resources

IMAGES = (TRAINING_IMAGE, TRAINING_GPU_IMAGE, CONTROL_IMAGE, FEAST_IMAGE)
OWN = "kanaria-"
"""What the names of Kanaria's images begin with where no registry stands before them."""


def _compiled(name: str) -> list[Any]:
    from kfp import compiler

    pipeline = getattr(import_module(f"kanaria.pipelines.{name}.pipeline"), name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        documents = yaml_text.read_all(path)
    return applied(documents, defaults.of(documents[0]))


def without_registry(document: Mapping[str, Any]) -> list[str]:
    """Return the images of Kanaria's in a compiled pipeline that no registry is named for."""
    executors = document["deploymentSpec"].get("executors", {}).values()
    names = {str(one.get("container", {}).get("image", "")) for one in executors}
    return sorted({name.partition(MARK)[0] for name in names if name.startswith(OWN)})


def without_cuda(document: Mapping[str, Any]) -> list[str]:
    """Return the images that compute on the CPU, of executors that ask for an accelerator."""
    executors = document["deploymentSpec"].get("executors", {}).values()
    containers = [one.get("container", {}) for one in executors]
    asking = [one for one in containers if "accelerator" in one.get("resources", {})]
    plain = f"{TRAINING_IMAGE.partition(':')[0]}:"
    images = {str(one.get("image", "")) for one in asking}
    return sorted(image for image in images if image.rpartition("/")[2].startswith(plain))


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
    name: str,
    output: Path,
    image_prefix: str = "",
    requirements_file: str = "",
    resources: Resources = NOTHING,
) -> None:
    """Write the compiled pipeline `name` to `output`, atomically.

    Args:
        name: of a pipeline of this package.
        output: the file to write.
        image_prefix: registry and path of Kanaria's images; "" for none.
        requirements_file: list of a user's own packages; "" for none.
        resources: what steps get beside the defaults.

    Raises:
        ParameterError: there is no such pipeline, or no such list of packages, or what is said of
            steps is wrong; all its faults at once.
    """
    if name not in NAMES:
        raise ParameterError(f"pipeline={shown(name)}: unknown; there are {', '.join(NAMES)}")
    listed, _ = requirements.split_off({requirements.KEY: requirements_file}, {})
    document, *others = _compiled(name)
    with_prefix(requirements.with_packages(document, listed), image_prefix)
    documents = applied([document, *others], resources)
    atomic.write_text(output, yaml_text.dump(*documents, sort_keys=True))
