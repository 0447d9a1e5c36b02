"""One broker for all tests, but for those that kill it."""

from collections.abc import Iterator

import pytest
from broker import Broker, broker
from kafka_topics import Topics
from stream_world import models, server, started, started_anywhere

__all__ = ["models", "server", "started", "started_anywhere"]


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that lives as long as the session; take topics and groups of your own."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def topics(kafka: Broker) -> Topics:
    """What makes, fills and reads topics on it."""
    return Topics(kafka.address)
