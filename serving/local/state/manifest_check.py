"""Which manifests local serving takes: what KServe takes, as far as it can be run here. Pure.

What would change the answers and is not done here is refused; what concerns a cluster's pods only
is kept, and named by `inert`. Nothing is dropped without a word.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kanaria.components.shared.command_line import meant
from kanaria.components.shared.config.keys import Kind
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.frameworks.model_files import PROBABILITIES_VARIABLE, Framework
from kanaria.components.shared.storage import uri_files
from kanaria.serving.features import feature_settings
from kanaria.serving.inference_service import kserve_fields
from kanaria.serving.inference_service.kserve_fields import Fields
from kanaria.serving.inference_service.quantity import amount, is_amount
from kanaria.serving.inference_service.service_check import (
    AFFINITY,
    LABEL_KEY,
    LABEL_VALUE,
    METRICS,
    PROTOCOLS,
    TOLERATION,
    check_names,
    is_percent,
)
from kanaria.serving.inference_service.service_manifest import (
    API_VERSION,
    EXPLAINER_COMMAND,
    KIND,
)
from kanaria.serving.local.payload_logger.log_rule import check_logger
from kanaria.serving.protocol.names import MIRRORED_ANNOTATION, STOP_ANNOTATION

Part = dict[str, Any]
FORMATS = tuple(map(str, Framework))
"""Model formats that local serving runs."""
V2_ALONE = (str(Framework.ONNX),)
"""Those whose server, Triton, speaks no V1."""
DEFAULT_NAMESPACE = "default"
PERCENT = re.compile("[0-9]{1,2}|100")
NOT_TEXT = re.compile(r"[\x00-\x1f\x7f]")

STOCK_IMAGE = re.compile(r"(.+/)?tensorflow/serving([:@].+)?")
"""TensorFlow Serving's own: another version of what serves here, as `runtimeVersion` is."""

NO_CONTAINERS = "local serving runs no containers; take it out"
REFUSED: Mapping[str, Mapping[str, str]] = {
    "spec": {
        "canary": "local serving splits by predictor.canaryTrafficPercent; use that",
    },
    "spec.predictor": {
        **dict.fromkeys(
            kserve_fields.FRAMEWORKS.keys() - set(FORMATS),
            f"local serving runs {', '.join(FORMATS)}",
        ),
        **dict.fromkeys(("containers", "initContainers", "ephemeralContainers"), NO_CONTAINERS),
        "batcher": "local serving hands on each request by itself; take it out",
        "storageUris": "write predictor.model.storageUri",
        "workerSpec": "local serving runs one process a revision; take it out",
    },
    "spec.predictor.model": {
        "command": NO_CONTAINERS,
        "confidential": "local serving reads no encrypted model",
        "name": "KServe allows no name in a standard predictor; take it out",
        "storage": "write storageUri",
    },
    "spec.predictor.logger": dict.fromkeys(
        ("batchInterval", "batchSize", "marshallerUrl", "storage"),
        "local serving posts each event by itself to an http(s) url; take it out",
    ),
}
"""Where a field would change what a client or a sink gets, and is not acted on: what to do."""
ACTED_ON = {
    "spec.predictor": frozenset(
        ("annotations", "canaryTrafficPercent", "labels", "logger", "model")
    ),
    "spec.predictor.model": frozenset(("modelFormat", "protocolVersion", "storageUri")),
}
PLACES = {
    "spec.predictor.model": kserve_fields.MODEL,
    "spec.predictor": kserve_fields.PREDICTOR,
    "spec": kserve_fields.SPEC,
    "metadata": kserve_fields.METADATA,
}
ENVIRONMENT = frozenset(("name", "value", "valueFrom"))
ONE_REPLICA = frozenset(("maxReplicas", "minReplicas"))


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


def inert(manifest: Mapping[str, Any]) -> list[str]:
    """Return the fields of a manifest that was taken which local serving does not act on."""
    predictor = manifest["spec"]["predictor"]
    parts = (("spec.predictor", predictor), ("spec.predictor.model", predictor["model"]))
    names = [
        f"{path}.{name}"
        for path, part in parts
        for name, value in part.items()
        if name not in ACTED_ON[path]
        and not (name == "env" and _switches_probabilities(predictor["model"]))
        and value not in (None, {}, [], "")
        and not (name in ONE_REPLICA and value == 1)
    ]
    if manifest["spec"].get("explainer"):
        names.append("spec.explainer")
    if predictor["model"]["modelFormat"].get("version"):
        names.append("spec.predictor.model.modelFormat.version")
    return sorted(names)


def _switches_probabilities(model: Part) -> bool:
    """Tell whether a model's environment is KServe's switch for probabilities and nothing else."""
    names = {variable.get("name") for variable in model["env"]}
    return model["modelFormat"]["name"] == Framework.SKLEARN and names == {PROBABILITIES_VARIABLE}


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
        remedy = _remedy(name, kserve_fields.FRAMEWORK)
        faults.add(f'unknown field "spec.predictor.{named}.{name}"{remedy}')
    fields = {name: value for name, value in old.items() if name in kserve_fields.FRAMEWORK}
    rest = {name: value for name, value in predictor.items() if name != named}
    model = {"modelFormat": {"name": named}, **fields}
    return {**document, "spec": {**spec, "predictor": {**rest, "model": model}}}


def _check(document: Part, faults: Faults) -> None:
    _check_fields(document, "", kserve_fields.OBJECT, faults)
    metadata = _part(document, "metadata", kserve_fields.METADATA, faults)
    _check_metadata(metadata, faults)
    spec = _part(document, "spec", kserve_fields.SPEC, faults)
    _check_explainer(spec.get("explainer"), faults)
    if isinstance(spec.get("transformer"), dict):
        _check_transformer(spec["transformer"], faults)
    predictor = _part(spec, "spec.predictor", kserve_fields.PREDICTOR, faults)
    _check_component(predictor, faults)
    if predictor.get("model") is None and not predictor.keys() & kserve_fields.FRAMEWORKS.keys():
        faults.check(False, "spec.predictor.model", None, "name the model's format and storageUri")
        return
    model = _part(predictor, "spec.predictor.model", kserve_fields.MODEL, faults)
    if model:
        _check_model(model, faults)


def _check_explainer(explainer: Any, faults: Faults) -> None:
    """Another explainer than ours would answer otherwise than this server does."""
    containers = explainer.get("containers") if isinstance(explainer, dict) else None
    first = containers[0] if isinstance(containers, list) and containers else None
    command = first.get("command") if isinstance(first, dict) else None
    if explainer and command != list(EXPLAINER_COMMAND):
        faults.add("spec.explainer: local serving runs no explainer but Kanaria's; take it out")


def _part(parent: Part, path: str, table: Fields, faults: Faults) -> Part:
    """Return a part with its fields checked; {} where it is absent or no mapping."""
    part = parent.get(path.rpartition(".")[2])
    if not isinstance(part, dict):
        return {}
    _check_fields(part, path, table, faults)
    return part


def _check_fields(part: Part, path: str, table: Fields, faults: Faults) -> None:
    """Record fields that KServe does not know, values of another kind, and what is refused."""
    for name, value in part.items():
        full = f"{path}.{name}".lstrip(".")
        if name not in table:
            faults.add(f'unknown field "{full}"{_remedy(name, table)}')
        elif value is not None and not table[name].holds(value):
            faults.check(False, full, value, f"write {table[name]}")
        elif value not in (None, [], "") and name in REFUSED.get(path, {}):
            faults.add(f"{full}: {REFUSED[path][name]}")


def _remedy(name: str, table: Fields) -> str:
    """Say where an unknown field belongs, or which one was meant; "" where nothing is near."""
    place = next((path for path, names in PLACES.items() if name in names), "")
    same = next((key for key in table if key.lower() == name.lower()), "")
    if same:
        return f", did you mean {same}?"
    return f", it belongs in {place}" if place else meant(name, table)


def _check_metadata(metadata: Part, faults: Faults) -> None:
    name, namespace = metadata.get("name"), namespace_of(metadata)
    if isinstance(name, str) and isinstance(namespace, str):
        check_names(name, namespace, faults, called=("metadata.name", "metadata.namespace"))
    else:
        faults.check(name is not None, "metadata.name", name, "name the service")
    annotations = _texts(metadata, "metadata.annotations", faults)
    mirrored = annotations.get(MIRRORED_ANNOTATION, "0")
    fits = bool(PERCENT.fullmatch(mirrored))
    faults.check(fits, MIRRORED_ANNOTATION, mirrored, 'write "0" to "100"')
    for key, value in _texts(metadata, "metadata.labels", faults).items():
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


def _texts(parent: Part, path: str, faults: Faults) -> dict[str, str]:
    """Return a mapping of texts, {} where it is absent; other values are faults."""
    texts = parent.get(path.rpartition(".")[2])
    if not isinstance(texts, dict):
        return {}
    for name, value in texts.items():
        faults.check(isinstance(value, str), f"{path}.{name}", value, "put it in quotes")
    return {name: value for name, value in texts.items() if isinstance(value, str)}


def _check_component(predictor: Part, faults: Faults) -> None:
    percent = predictor.get("canaryTrafficPercent")
    fits = type(percent) is not int or is_percent(percent)
    faults.check(fits, "canaryTrafficPercent", percent, "use an integer from 0 to 100")
    _check_replicas(predictor, faults)
    for name in ("annotations", "labels", "nodeSelector"):
        _texts(predictor, f"spec.predictor.{name}", faults)
    if isinstance(predictor.get("logger"), dict):
        check_logger(
            _part(predictor, "spec.predictor.logger", kserve_fields.LOGGER, faults), faults
        )
    _check_entries(predictor.get("tolerations"), "spec.predictor.tolerations", TOLERATION, faults)
    affinity = predictor.get("affinity")
    _check_entries([affinity] if affinity else [], "spec.predictor.affinity", AFFINITY, faults)
    _check_resources(predictor, "spec.predictor", faults)


def _check_entries(entries: Any, path: str, fields: frozenset[str], faults: Faults) -> None:
    """Record what is no mapping in a list, and fields that Kubernetes does not know."""
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            faults.check(False, path, entry, "write a mapping")
            continue
        for name in entry.keys() - fields:
            faults.add(f'unknown field "{path}.{name}"{meant(name, fields)}')


def _check_replicas(predictor: Part, faults: Faults) -> None:
    bounded = ("minReplicas", "maxReplicas", "containerConcurrency", "timeout")
    for name in bounded:
        value = predictor.get(name)
        faults.check(type(value) is not int or value >= 0, name, value, "use 0 or more")
    low, high = predictor.get("minReplicas"), predictor.get("maxReplicas")
    if type(low) is int and type(high) is int and high:
        faults.check(low <= high, "minReplicas", low, f"use no more than maxReplicas, {high}")
    metric = predictor.get("scaleMetric") or ""
    fits = not isinstance(metric, str) or metric in METRICS
    faults.check(fits, "scaleMetric", metric, f"use {', '.join(METRICS[1:])}")


def _check_model(model: Part, faults: Faults) -> None:
    kind = _part(model, "spec.predictor.model.modelFormat", kserve_fields.MODEL_FORMAT, faults)
    if model.get("modelFormat") is None or isinstance(model["modelFormat"], dict):
        remedy = f"local serving runs {', '.join(FORMATS)}"
        faults.check(kind.get("name") in FORMATS, "modelFormat.name", kind.get("name"), remedy)
    protocol = model.get("protocolVersion")
    alone = kind.get("name") in V2_ALONE
    faults.check(not alone or protocol == "v2", "protocolVersion", protocol, "write v2 for onnx")
    fits = protocol is None or not isinstance(protocol, str) or protocol in PROTOCOLS
    faults.check(fits, "protocolVersion", protocol, "local serving speaks v1, v2")
    image = model.get("image")
    fits = not image or not isinstance(image, str) or bool(STOCK_IMAGE.fullmatch(image))
    faults.check(fits, "spec.predictor.model.image", image, NO_CONTAINERS)
    _check_entries(model.get("env"), "spec.predictor.model.env", ENVIRONMENT, faults)
    _check_uri(model.get("storageUri"), faults)
    _check_resources(model, "spec.predictor.model", faults)


def _check_uri(uri: Any, faults: Faults) -> None:
    """The state outlives the current folder of whoever applied, so relative paths are refused."""
    if uri is not None and not isinstance(uri, str):
        return  # Its kind is a fault already.
    usable = bool(uri) and not NOT_TEXT.search(uri or "")
    if uri and usable and not uri_files.is_remote(uri):
        try:
            usable = uri_files.local_path(uri).is_absolute()
        except ParameterError as error:
            faults.add(str(error))
            return
    faults.check(usable, "storageUri", uri, "use an absolute path, file://, s3:// or gs://")


def _check_resources(part: Part, path: str, faults: Faults) -> None:
    resources = _part(part, f"{path}.resources", kserve_fields.RESOURCES, faults)
    amounts = {
        kind: dict(_amounts(resources.get(kind), f"{path}.resources.{kind}", faults))
        for kind in ("limits", "requests")
    }
    for name, requested in amounts["requests"].items():
        low, high = amount(requested), amount(amounts["limits"].get(name, requested))
        fits = low is None or high is None or low <= high
        where = f"{path}.resources.requests.{name}"
        faults.check(fits, where, requested, "use no more than its limit")


def _amounts(quantities: Any, path: str, faults: Faults) -> Iterator[tuple[str, str]]:
    """Go through amounts by resource; a fraction stands in quotes, as KServe's schema wants it."""
    for name, value in quantities.items() if isinstance(quantities, dict) else ():
        is_text = Kind.TEXT.holds(value) or Kind.INTEGER.holds(value)
        fits = is_text and is_amount(str(value))
        remedy = 'write a Kubernetes quantity such as "500m", "0.5" or 4Gi'
        faults.check(fits, f"{path}.{name}", value, remedy)
        if fits:
            yield name, str(value)
