"""Requests to real pods drift: the receiver of verdicts is told, and the page shows it."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import yaml
from drift_process import DriftServer
from event_sink import Sink
from inference_services import InferenceServices, wait_until
from real_pods import Predictor, apply

from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.inference_service.service_spec import PayloadLog

ROWS = 200


def test_a_window_that_drifted_reaches_the_receiver_and_the_page(
    services: InferenceServices, publish: Any, sink: Sink, tmp_path: Path
) -> None:
    draw = np.random.default_rng(1)
    detector = Table(least=0.3)
    columns = {str(place): draw.normal(place, 1.0, 2000) for place in range(2)}
    saved_detector.save(tmp_path / "detector", detector, detector.fit(columns))
    drift = DriftServer(tmp_path, "--watch", str(watch_file(services, sink, tmp_path)))
    try:
        apply(services, publish("v1"), log=PayloadLog(url=drift.url))
        services.wait_until_ready("taxi")
        client = Predictor(services)
        client.wait()
        for moved in (0.0, 3.0):
            rows = draw.normal([moved, 1.0], 1.0, (ROWS, 2)).tolist()
            for place in range(0, ROWS, 10):
                assert client.predict(instances=rows[place : place + 10]).status_code == 200
        wait_until(lambda: len(verdicts(sink)) == 2, lambda: sink.events)
        assert verdicts(sink) == ["stable", "drifted"]
        page = httpx.get(f"{drift.url}/report").text
        assert services.namespace in page
        assert "What changed" in page
    finally:
        drift.process.terminate()
        drift.process.wait(30)


def watch_file(services: InferenceServices, sink: Sink, folder: Path) -> Path:
    """Write what the drift server is to watch: windows of so many rows, told to the sink."""
    settings = {
        "service": "taxi",
        "namespace": services.namespace,
        "window": {"rows": ROWS},
        "detector": str(folder / "detector"),
        "verdicts_to": sink.url,
    }
    path = folder / "watch.yaml"
    path.write_text(yaml.safe_dump([settings]))
    return path


def verdicts(sink: Sink) -> list[str]:
    """Return what the receiver was told of the windows, in the order of arrival."""
    return [head["ce-verdict"] for head, _ in sink.events if "ce-verdict" in head]
