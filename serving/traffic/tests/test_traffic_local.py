from dataclasses import dataclass
from pathlib import Path

import pytest
from traffic_contract import MirrorContract, TrafficContract

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.traffic.local_traffic import LocalTraffic


@dataclass
class LocalWay:
    traffic: LocalTraffic
    models: Path
    namespace: str = "default"
    loading_failure: str = "saved_model.pb"

    def manifest(self, name, model):
        return build(ServiceSpec(name=name, storage_uri=str(self.models / model)))


@pytest.fixture(scope="module")
def way(tmp_path_factory, models):
    with LocalTraffic(tmp_path_factory.mktemp("state") / "serving") as traffic:
        yield LocalWay(traffic, models)


class TestLocal(TrafficContract, MirrorContract):
    pass
