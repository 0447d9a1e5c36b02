"""Which predictors local serving takes: replicas, scheduling, the model, what it may use. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from kanaria.components.shared.command_line import meant
from kanaria.components.shared.config.keys import Kind
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.frameworks.model_files import Framework
from kanaria.components.shared.storage import uri_files
from kanaria.serving.inference_service import kserve_fields
from kanaria.serving.inference_service.quantity import amount, is_amount
from kanaria.serving.inference_service.service_check import (
    AFFINITY,
    METRICS,
    PROTOCOLS,
    TOLERATION,
    is_percent,
)
from kanaria.serving.local.payload_logger.log_rule import check_logger
from kanaria.serving.local.state.manifest_fields import (
    FORMATS,
    NO_CONTAINERS,
    Part,
    part_of,
    texts_of,
)

V2_ALONE = (str(Framework.ONNX),)
"""Those whose server, Triton, speaks no V1."""
NOT_TEXT = re.compile(r"[\x00-\x1f\x7f]")
STOCK_IMAGE = re.compile(r"(.+/)?tensorflow/serving([:@].+)?")
"""TensorFlow Serving's own: another version of what serves here, as `runtimeVersion` is."""
ENVIRONMENT = frozenset(("name", "value", "valueFrom"))


def check_predictor(spec: Part, faults: Faults) -> None:
    """Record what is wrong with the predictor of a service, its model among it.

    Args:
        spec: of the InferenceService, the old form of a model rewritten.
        faults: gets everything that KServe does not take, or that cannot be run here.
    """
    predictor = part_of(spec, "spec.predictor", kserve_fields.PREDICTOR, faults)
    _check_component(predictor, faults)
    if predictor.get("model") is None and not predictor.keys() & kserve_fields.FRAMEWORKS.keys():
        faults.check(False, "spec.predictor.model", None, "name the model's format and storageUri")
        return
    model = part_of(predictor, "spec.predictor.model", kserve_fields.MODEL, faults)
    if model:
        _check_model(model, faults)


def _check_component(predictor: Part, faults: Faults) -> None:
    percent = predictor.get("canaryTrafficPercent")
    fits = type(percent) is not int or is_percent(percent)
    faults.check(fits, "canaryTrafficPercent", percent, "use an integer from 0 to 100")
    _check_replicas(predictor, faults)
    for name in ("annotations", "labels", "nodeSelector"):
        texts_of(predictor, f"spec.predictor.{name}", faults)
    if isinstance(predictor.get("logger"), dict):
        check_logger(
            part_of(predictor, "spec.predictor.logger", kserve_fields.LOGGER, faults), faults
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
    kind = part_of(model, "spec.predictor.model.modelFormat", kserve_fields.MODEL_FORMAT, faults)
    if model.get("modelFormat") is None or isinstance(model["modelFormat"], dict):
        remedy = f"local serving runs {', '.join(FORMATS)}; export TorchScript to ONNX"
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
    resources = part_of(part, f"{path}.resources", kserve_fields.RESOURCES, faults)
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
