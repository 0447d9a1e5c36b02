from pathlib import Path

import pytest
from serving_models import models

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.local.background_server import served
from kanaria.serving.traffic.find_traffic import LOCAL_STATE
from kanaria.serving.traffic.local_traffic import LocalTraffic

__all__ = ["models"]


@pytest.fixture
def service(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A service with the model `plain`, and `better` at 0 %."""
    state = tmp_path / "serving"
    monkeypatch.setenv(LOCAL_STATE, str(state))
    with served(state), LocalTraffic(state) as traffic:
        for model in ("plain", "better"):
            uri = str(models / model)
            traffic.stage(build(ServiceSpec(name="taxi", storage_uri=uri)))
            while (
                status := traffic.observe("default", "taxi")
            ).latest_ready != status.latest_created:
                pass
        yield traffic
