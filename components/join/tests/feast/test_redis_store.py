"""Online values in a real Redis."""

import shutil
import subprocess
import time

import pytest
from feature_repos import CONFIG, at
from feature_server import free_port, online, serving

from kanaria.components.join.materialize import Request, materialize

REDIS = shutil.which("redis-server")


@pytest.fixture
def redis(tmp_path):
    if REDIS is None:
        pytest.skip("no redis-server here; Debian and Ubuntu: sudo apt-get install redis-server")
    port = free_port()
    command = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    with (tmp_path / "redis.log").open("wb") as log:
        server = subprocess.Popen([*command, "--save", ""], stdout=log, stderr=log)
    while "Ready to accept connections" not in (tmp_path / "redis.log").read_text():
        assert server.poll() is None, (tmp_path / "redis.log").read_text()
        time.sleep(0.02)
    yield f"127.0.0.1:{port}"
    server.terminate()
    server.wait(30)


def test_redis_serves_what_was_materialized(repo, redis):
    store = f"{{type: redis, connection_string: '{redis}'}}"
    config = CONFIG.replace("{type: sqlite, path: data/online.db}", store)
    (repo.folder / "feature_store.yaml").write_text(config)
    repo.stats(
        [
            {"driver_id": 1, "event_timestamp": at("03 00:00"), "trips": 2**60 + 1, "rating": 0.1},
            {"driver_id": 2, "event_timestamp": at("03 01:00"), "trips": 4, "busy": True},
        ]
    )
    repo.homes([{"driver_id": 1, "event_timestamp": at("01 00:00"), "town": "서울"}])
    repo.apply()
    materialize(Request(feature_repo=str(repo.folder), until=at("04 00:00").isoformat()))
    with serving(repo) as url:
        answer = online(url, "trips_v1", [1, 2, 3])
    columns = dict(zip(answer["metadata"]["feature_names"], answer["results"], strict=True))
    assert columns["trips"]["values"] == [2**60 + 1, 4, None]
    assert columns["town"]["values"] == ["서울", None, None]
    assert columns["busy"]["values"] == [None, True, None]
    assert columns["rating"]["values"] == [pytest.approx(0.1, abs=1e-8), None, None]
    assert columns["trips"]["event_timestamps"][0] == "2026-01-03T00:00:00Z"
