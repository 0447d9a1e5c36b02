"""Chooses what serves a release by the framework that its files are of.

    tensorflow   v1   KServe's choice
    sklearn      v1   KServe's choice, with PREDICT_PROBA for classifiers; of v2
                      kserve-sklearnserver, as KServe would take MLServer
    xgboost      v1   KServe's choice; of v2 kserve-xgbserver, as above
    lightgbm     v1   KServe's choice; of v2 kserve-lgbserver, as above
    onnx         v2   KServe's choice: Triton, which serves a model by the name of its folder
    pytorch      v2   kserve-tritonserver, as KServe would take TorchServe

No model is loaded: a pickle runs what it names. Source: KServe 0.15 to 0.20, config/runtimes.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from kanaria.components.push.publish_release import Sources
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.frameworks import feature_signature, triton_config
from kanaria.components.shared.frameworks.model_files import (
    OF_TRITON,
    PROBABILITIES_VARIABLE,
    Framework,
    ModelFiles,
    locate,
)
from kanaria.serving.features import feature_settings
from kanaria.serving.inference_service.service_spec import ModelServer, ServiceSpec

logger = logging.getLogger(__name__)
RUNTIMES_OF_V2 = {
    Framework.SKLEARN: "kserve-sklearnserver",
    Framework.XGBOOST: "kserve-xgbserver",
    Framework.LIGHTGBM: "kserve-lgbserver",
    Framework.PYTORCH: "kserve-tritonserver",
}
"""KServe's own servers, whose answers are those of local serving; of v2 it prefers MLServer."""
BY_PLACE = (Framework.SKLEARN, Framework.XGBOOST, Framework.LIGHTGBM)
"""Frameworks whose server takes the columns of a matrix by their place, without names."""
SERVED_SKLEARN = "1.5"
"""Version of scikit-learn in the server of KServe 0.15 to 0.20."""


def served(service: ServiceSpec, model: Path) -> ServiceSpec:
    """Return the service with what serves this model.

    Args:
        service: as the user asks for it.
        model: folder of the model.

    Raises:
        DataError: there is no model in the folder.
        ParameterError: its server does not speak the protocol that is asked for, or takes no
            features by name.
    """
    server = service.server
    files = locate(model)
    of_triton = files.framework in OF_TRITON
    protocol = server.protocol_version or ("v2" if of_triton else "v1")
    if of_triton and protocol != "v2":
        raise ParameterError(
            f"service.protocolVersion={protocol!r}: the model is of {files.framework}; Triton "
            "speaks v2 alone"
        )
    _check_torch(files)
    if files.framework in BY_PLACE and feature_settings.of_transformer(service.transformer):
        raise ParameterError(
            f"service.features: the model is of {files.framework}, whose server takes columns by "
            "their place, and features come by name; export it to ONNX with named inputs"
        )
    chosen = replace(server, model_format=files.framework.value, protocol_version=protocol)
    if not server.image:
        runtime = RUNTIMES_OF_V2.get(files.framework, "") if protocol == "v2" else ""
        env = (*server.env, *_environment(server, files))
        chosen = replace(chosen, runtime=server.runtime or runtime, env=env)
    return replace(service, server=chosen)


def _check_torch(files: ModelFiles) -> None:
    """Raise DataError where Triton would not know the tensors of a TorchScript model."""
    folder = files.file.parent.parent
    if files.framework is Framework.PYTORCH and not (folder / triton_config.FILE).is_file():
        raise DataError(
            f"{files.file}: Triton takes TorchScript with a {triton_config.FILE} beside the "
            "version's folder alone; write it, or export the model to ONNX"
        )


def _environment(server: ModelServer, files: ModelFiles) -> list[Mapping[str, Any]]:
    """Return the variables that the server needs for this model, beside those of the user."""
    if files.framework is not Framework.SKLEARN:
        return []
    answers = feature_signature.read(files.folder).probabilities
    is_set = PROBABILITIES_VARIABLE in (variable.get("name") for variable in server.env)
    return [{"name": PROBABILITIES_VARIABLE, "value": "true"}] if answers and not is_set else []


def tell_versions(service: ServiceSpec, packages: Mapping[str, str]) -> None:
    """Log where KServe's server loads the model by another scikit-learn than made it.

    Args:
        service: as it is delivered to a cluster.
        packages: name -> version of those that the model was made with.
    """
    server, version = service.server, packages.get("scikit-learn", "")
    stock = not server.image and server.runtime in ("", RUNTIMES_OF_V2[Framework.SKLEARN])
    if server.model_format != Framework.SKLEARN or not stock or not version:
        return
    if version.split(".")[:2] != SERVED_SKLEARN.split("."):
        logger.warning(
            "%s/%s: scikit-learn %s made the model, and KServe's server has %s (KServe 0.15 to "
            "0.20): it may not load it, or answer other values; serve it by a runtime of your own "
            "(service.runtime), or export it to ONNX",
            service.namespace,
            service.name,
            version,
            SERVED_SKLEARN,
        )


@contextmanager
def laid_out(sources: Sources, name: str) -> Iterator[Sources]:
    """Yield the sources of a release as its server takes the model, for the block's time.

    Triton's repository holds a folder a model, which names it; so it bears the service's name.
    """
    if locate(sources.model).framework not in OF_TRITON:
        yield sources
        return
    with tempfile.TemporaryDirectory(prefix="kanaria-triton-") as folder:
        shutil.copytree(sources.model, Path(folder) / name)
        yield replace(sources, model=Path(folder))
