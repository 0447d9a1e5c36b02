import pytest
import yaml
from kubernetes.client import ApiClient

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service import ServiceSpec, build, to_yaml

FULL = ServiceSpec(
    name="flights-delay",
    namespace="models",
    storage_uri="s3://bucket/flights/0a1b/model",
    canary_percent=10,
    runtime="kserve-tensorflow-serving",
    runtime_version="2.19.1-gpu",
    gpus=2,
    gpu_resource="nvidia.com/mig-1g.5gb",
    node_selector={"pool": "gpu"},
    tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    min_replicas=0,
    max_replicas=3,
    logger_url="http://drift.models.svc",
    logger_mode="request",
    labels={"team": "delay"},
    annotations={"kanaria.dev/release": "0a1b"},
)


class Answer:
    """What kserve's client reads an API answer from."""

    def __init__(self, manifest):
        self.data = yaml_to_json(manifest)


def yaml_to_json(manifest):
    import json

    return json.dumps(manifest)


def kserve_model(manifest):
    import kserve

    client = ApiClient()
    client._ApiClient__deserialize_model  # noqa: B018  (the reader that knows kserve's fields)
    pool = {**vars(kserve), **vars(__import__("kubernetes.client", fromlist=["models"]))}

    def read(data, kind):
        if data is None or not isinstance(kind, str):
            return data
        if kind.startswith("list["):
            return [read(item, kind[5:-1]) for item in data]
        if kind.startswith("dict("):
            inner = kind[5:-1].split(", ")[1]
            return {key: read(value, inner) for key, value in data.items()}
        model = pool.get(kind)
        if model is None:
            return data
        known = set(model.attribute_map.values())
        assert set(data) <= known, f"{kind} does not know {set(data) - known}"
        fields = {
            attribute: read(data[key], model.openapi_types[attribute])
            for attribute, key in model.attribute_map.items()
            if key in data
        }
        return model(**fields)

    return client.sanitize_for_serialization(read(manifest, "V1beta1InferenceService"))
