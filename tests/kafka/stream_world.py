"""Models under local serving, and streams that ask them; for every test of streams."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kafka_topics import until
from local_server import Server
from stream_process import Streaming

from kanaria.components.shared.config import yaml_text
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, ServiceSpec


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    script = Path(__file__).with_name("make_stream_models.py")
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, models: Path):
    state = tmp_path_factory.mktemp("state")
    names = [f"{model}-{protocol}" for model in ("adder", "plain") for protocol in ("v1", "v2")]
    manifests = [
        build(
            ServiceSpec(
                name=one,
                storage_uri=str(models / one.partition("-")[0]),
                server=ModelServer(protocol_version=one[-2:]),
            )
        )
        for one in names
    ]
    (state / "services.yaml").write_text(yaml_text.dump(*manifests))
    running = Server(state, state / "services.yaml")
    until(lambda: all(running.ready(one) for one in names))
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture
def started_anywhere(tmp_path: Path):
    """A function that starts a stream of a config, with the models of a state folder."""
    running = []

    def start(settings, state):
        running.append(Streaming(tmp_path, settings, state))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.fixture
def started(started_anywhere, server: Server):
    """The same with the models of the session."""
    return lambda settings: started_anywhere(settings, server.state)
