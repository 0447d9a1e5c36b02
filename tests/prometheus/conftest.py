import pytest
from live_services import live as running
from real_prometheus import World
from serving_models import models

__all__ = ["models"]


@pytest.fixture(scope="session")
def live(models, tmp_path_factory):
    """What is watched, running, with a canary that its rollout judges."""
    with running(models, tmp_path_factory.mktemp("live")) as live:
        live.roll_out("alike")
        yield live


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()
