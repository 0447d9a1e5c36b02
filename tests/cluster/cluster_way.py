"""A way to deliver on a cluster, as the contracts of all ways test it."""

from dataclasses import dataclass
from typing import Any

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.traffic.traffic_protocol import Traffic


@dataclass
class ClusterWay:
    traffic: Traffic
    namespace: str
    loading_failure: str = "load failure"

    def manifest(self, name: str, model: str) -> dict[str, Any]:
        uri = f"s3://models/{model}"
        built = build(ServiceSpec(name=name, namespace=self.namespace, storage_uri=uri))
        if model == "broken":
            marks = {"kanaria.test/simulate": "load-failure"}
            built["spec"]["predictor"]["annotations"] = marks
        return built
