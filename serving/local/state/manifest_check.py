"""Which manifests local serving takes: what KServe takes, as far as it can be run here. Pure.

What would change the answers and is not done here is refused; what concerns a cluster's pods only
stays, and is named by `manifest_fields.inert`. Nothing is dropped without a word.
"""

import re
from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.features import feature_settings
from kanaria.serving.inference_service import kserve_fields
from kanaria.serving.inference_service.service_check import (
    LABEL_KEY,
    LABEL_VALUE,
    check_names,
)
from kanaria.serving.inference_service.service_manifest import (
    API_VERSION,
    EXPLAINER_COMMAND,
    KIND,
)
from kanaria.serving.local.state.manifest_fields import (
    FORMATS,
    Part,
    check_fields,
    part_of,
    remedy_of,
    texts_of,
)
from kanaria.serving.local.state.predictor_check import check_predictor
from kanaria.serving.protocol.annotation_names import MIRRORED_ANNOTATION, STOP_ANNOTATION

DEFAULT_NAMESPACE = "default"
PERCENT = re.compile("[0-9]{1,2}|100")


def checked_manifest(document: Any, where: str) -> Part:
    """Return the manifest as KServe's webhook rewrites it: `predictor.model` for the old form.

    Args:
        document: what was read; it stays as it is.
        where: what it is called in an error.

    Raises:
        ParameterError: it is no InferenceService that can be run here; all faults are named.
    """
    if not is_inference_service(document):
        raise ParameterError(f"{where}: not a {API_VERSION} {KIND}: {_kind_of(document)}")
    faults = Faults(where)
    rewritten = _rewritten(document, faults)
    _check(rewritten, faults)
    faults.raise_if_any()
    return rewritten


def check(document: Any, where: str) -> None:
    """Raise ParameterError unless `document` is an InferenceService this server can run."""
    checked_manifest(document, where)


def is_inference_service(document: Any) -> bool:
    """Tell whether a document says that it is an InferenceService, of the known version."""
    return isinstance(document, dict) and (
        (document.get("apiVersion"), document.get("kind")) == (API_VERSION, KIND)
    )


def _kind_of(document: Any) -> str:
    """Say what a document is without its values: it may be a Secret."""
    if not isinstance(document, dict):
        return shown(document) if not isinstance(document, list) else "a list"
    said = ", ".join(f"{key} {shown(document.get(key))}" for key in ("apiVersion", "kind"))
    return f"it has {said}"


def stopped(manifest: Mapping[str, Any]) -> bool:
    """Tell whether a manifest stops its service."""
    annotations = manifest["metadata"].get("annotations") or {}
    return str(annotations.get(STOP_ANNOTATION, "")).lower() == "true"


def _rewritten(document: Part, faults: Faults) -> Part:
    """Return the document with the old form of a model in the new one."""
    spec = document.get("spec")
    predictor = spec.get("predictor") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(predictor, dict):
        return document
    named = next((name for name in FORMATS if isinstance(predictor.get(name), dict)), "")
    if not named:
        return document
    old = predictor[named]
    if predictor.get("model") is not None:
        faults.add(f"spec.predictor: write model or {named}, not both")
        return document
    for name in old.keys() - kserve_fields.FRAMEWORK.keys():
        remedy = remedy_of(name, kserve_fields.FRAMEWORK)
        faults.add(f'unknown field "spec.predictor.{named}.{name}"{remedy}')
    fields = {name: value for name, value in old.items() if name in kserve_fields.FRAMEWORK}
    rest = {name: value for name, value in predictor.items() if name != named}
    model = {"modelFormat": {"name": named}, **fields}
    return {**document, "spec": {**spec, "predictor": {**rest, "model": model}}}


def _check(document: Part, faults: Faults) -> None:
    check_fields(document, "", kserve_fields.OBJECT, faults)
    metadata = part_of(document, "metadata", kserve_fields.METADATA, faults)
    _check_metadata(metadata, faults)
    spec = part_of(document, "spec", kserve_fields.SPEC, faults)
    _check_explainer(spec.get("explainer"), faults)
    if isinstance(spec.get("transformer"), dict):
        _check_transformer(spec["transformer"], faults)
    check_predictor(spec, faults)


def _check_explainer(explainer: Any, faults: Faults) -> None:
    """Another explainer than ours would answer otherwise than this server does."""
    containers = explainer.get("containers") if isinstance(explainer, dict) else None
    first = containers[0] if isinstance(containers, list) and containers else None
    command = first.get("command") if isinstance(first, dict) else None
    if explainer and command != list(EXPLAINER_COMMAND):
        faults.add("spec.explainer: local serving runs no explainer but Kanaria's; take it out")


def _check_metadata(metadata: Part, faults: Faults) -> None:
    name, namespace = metadata.get("name"), namespace_of(metadata)
    if isinstance(name, str) and isinstance(namespace, str):
        check_names(name, namespace, faults, called=("metadata.name", "metadata.namespace"))
    else:
        faults.check(name is not None, "metadata.name", name, "name the service")
    annotations = texts_of(metadata, "metadata.annotations", faults)
    mirrored = annotations.get(MIRRORED_ANNOTATION, "0")
    fits = bool(PERCENT.fullmatch(mirrored))
    faults.check(fits, MIRRORED_ANNOTATION, mirrored, 'write "0" to "100"')
    for key, value in texts_of(metadata, "metadata.labels", faults).items():
        fits = bool(LABEL_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(value))
        remedy = "use letters, digits, '-', '_' and '.', up to 63, in a label's key and value"
        faults.check(fits, f"metadata.labels.{key}", value, remedy)


def namespace_of(metadata: Mapping[str, Any]) -> Any:
    """Return a service's namespace, "default" if it names none."""
    namespace = metadata.get("namespace")
    return DEFAULT_NAMESPACE if namespace is None else namespace


def _check_transformer(transformer: Part, faults: Faults) -> None:
    """Record a transformer that is not ours: it would not be run, and answers be without it."""
    try:
        features = feature_settings.of_transformer(transformer)
    except ParameterError as error:
        faults.add(f"spec.transformer: {error}")
        return
    if features is None:
        faults.add(
            "spec.transformer: local serving runs no transformer but that of service.features, "
            "and would answer without it"
        )
    else:
        feature_settings.read(features, faults, "spec.transformer.features")
