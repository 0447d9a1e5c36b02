"""Two versions behind one router whose requests a real drift server gets."""

import json
import signal
from collections import Counter
from contextlib import closing

import httpx
import pytest
from event_sender import Server as DriftServer
from local_server import ROWS, Server, until

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import PayloadLog, ServiceSpec
from kanaria.serving.payload_log.exchanges import Stream
from kanaria.serving.payload_log.open_store import open_reader
from kanaria.serving.traffic.local_traffic import LocalTraffic

VERSIONS = {"flights-predictor-00001": "one", "flights-predictor-00002": "two"}
REQUESTS = 300


@pytest.fixture(scope="module")
def drift(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drift")
    drift = DriftServer(str(folder / "events.db"), folder)
    drift.start()
    drift.wait()
    yield drift
    drift.stop()


def stage(traffic, models, drift, version):
    spec = ServiceSpec(
        name="flights",
        storage_uri=str(models / version),
        annotations={"kanaria.io/model-version": version},
        log=PayloadLog(url=drift.url),
    )
    traffic.stage(build(spec))
    until(lambda: traffic.observe("default", "flights").transition == "UpToDate")


def exchanges(drift, version):
    """The exchanges the drift server keeps of a version: request id -> exchange."""
    stream = Stream(namespace="default", service="flights", version=version)
    with closing(open_reader(drift.store)) as reader:
        return {exchange.request_id: exchange for exchange in reader.by_number(stream, 0, 10**9)}


def test_all_requests_of_a_canary_split_arrive_by_version(tmp_path, models, drift):
    server = Server(tmp_path / "serving")
    with LocalTraffic(server.state) as traffic:
        for version in VERSIONS.values():
            stage(traffic, models, drift, version)
        traffic.shift("default", "flights", 10)
    with httpx.Client() as client:
        path = f"{server.url}/v1/models/flights:predict"
        ids = [{"X-Request-Id": f"order-{n}"} if n % 2 else {} for n in range(REQUESTS)]
        answers = [client.post(path, json=ROWS, headers=headers) for headers in ids]
        broken = client.post(path, json={"instances": [{"x": 1}]})
    assert server.end(signal.SIGTERM) == 143
    assert [a.headers["X-Request-Id"] for a in answers[1::2]] == [
        headers["X-Request-Id"] for headers in ids[1::2]
    ]

    answered = Counter(answer.headers["X-Kanaria-Revision"] for answer in answers)
    assert answered.keys() == VERSIONS.keys()
    by_version = {version: exchanges(drift, version) for version in VERSIONS.values()}
    assert sum(map(len, by_version.values())) == REQUESTS + 1
    for answer in answers:
        exchange = by_version[VERSIONS[answer.headers["X-Kanaria-Revision"]]].pop(
            answer.headers["X-Request-Id"]
        )
        assert json.loads(exchange.request) == ROWS
        assert exchange.response == answer.content
    (refused,) = [exchange for rest in by_version.values() for exchange in rest.values()]
    assert refused.request_id == broken.headers["X-Request-Id"]
    assert (broken.status_code, refused.response) == (400, None)


def test_a_shadow_answers_nobody_and_its_answers_meet_those_of_the_stable_version(
    tmp_path, models, drift
):
    server = Server(tmp_path / "serving")
    before = {version: exchanges(drift, version).keys() for version in VERSIONS.values()}
    with LocalTraffic(server.state) as traffic:
        for version in VERSIONS.values():
            stage(traffic, models, drift, version)
        traffic.mirror("default", "flights", 100)
    answers = [server.predict() for _ in range(20)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    new = {version: {} for version in VERSIONS.values()}

    def arrived():
        for version in VERSIONS.values():
            by_id = exchanges(drift, version)
            new[version] = {id_: by_id[id_] for id_ in by_id.keys() - before[version]}
        return all(by_id.keys() == ids for by_id in new.values()) and all(
            exchange.response for by_id in new.values() for exchange in by_id.values()
        )

    until(arrived)
    assert server.end(signal.SIGTERM) == 143
    scores = {
        version: {json.loads(e.response)["predictions"][0]["score"] for e in by_id.values()}
        for version, by_id in new.items()
    }
    assert scores == {"one": {103}, "two": {203}}
    assert {answer.json()["predictions"][0]["score"] for answer in answers} == {103}


@pytest.mark.usefixtures("drift")
def test_an_answer_does_not_wait_for_a_sink_that_is_gone(tmp_path, models):
    gone = DriftServer(str(tmp_path / "none.db"), tmp_path)
    server = Server(tmp_path / "serving")
    with LocalTraffic(server.state) as traffic:
        stage(traffic, models, gone, "one")
    assert [server.predict().status_code for _ in range(20)] == [200] * 20
    line = 'kanaria_local_payload_log_events_total{namespace="default",outcome="failed"'

    def failed():
        rows = httpx.get(f"{server.url}/metrics").text.splitlines()
        return sum(float(row.split()[-1]) for row in rows if row.startswith(line))

    until(lambda: failed() == 40)
    assert server.end(signal.SIGTERM) == 143
