"""`kanaria watch` over real servers, asked and looked at in a real browser."""

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
from browser import started
from event_sender import Server, headers
from one_machine import KANARIA, requests_to, rollout, stage
from serving_models import models

from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.inference_service.service_spec import PayloadLog
from kanaria.serving.local.background_server import served
from kanaria.serving.traffic.local_traffic import LocalTraffic

__all__ = ["models"]
SECONDS = 120
POLICY = """
steps: [{percent: 50, minimum_requests: 1000000, minimum_minutes: 0}]
warm_up: {minutes: 0, requests: 20}
gates: {latency: false}
"""
"""A rollout that goes on for as long as the tests do."""
WINDOW = 200
GOOD, FAILING = "fares-predictor-00001", "fares-predictor-00002"


def until(holds):
    deadline = time.monotonic() + SECONDS
    while not (value := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return value


def send_earlier(url: str) -> None:
    """Send answers of three hours, with labels: three of four are right."""
    for place in range(24):
        moment = datetime.now(UTC) - timedelta(minutes=10 + 7.5 * place)
        name, score = f"early-{place}", 0.2 if place % 4 == 0 else 0.8
        for kind, body in (
            ("request", {"instances": [[0.5]] * 10}),
            ("response", {"predictions": [score] * 10}),
        ):
            head = headers(kind, name, name, version="old") | {
                "ce-inferenceservicename": "taxi",
                "ce-namespace": "default",
                "ce-time": moment.isoformat(),
            }
            httpx.post(url, headers=head, content=json.dumps(body)).raise_for_status()
        labels = [{"request_id": name, "row": row, "label": 1} for row in range(10)]
        httpx.post(f"{url}/labels", json=labels).raise_for_status()


class Watched:
    """Servers of one machine, and `kanaria watch` beside them."""

    def __init__(self, models: Path, folder: Path, stack: ExitStack) -> None:
        self.models, self.folder, self.stack = models, folder, stack
        self.state = folder / "serving"
        self.drift = self.watching()
        stack.callback(self.drift.stop)
        self.url = stack.enter_context(served(self.state))
        self.traffic = stack.enter_context(LocalTraffic(self.state))
        self.push("taxi", "serving", log=PayloadLog(url=self.drift.url, headers=("X-Request-Id",)))
        self.push("fares", "serving")
        self.push("fares", "failing")
        self.traffic.shift("default", "fares", 40)
        self.page = self.opened()

    def push(self, service: str, name: str, **fields: object) -> None:
        version = {"kanaria.io/model-version": name}
        stage(self.traffic, self.models / name, service, annotations=version, **fields)

    def watching(self) -> Server:
        detector = Table(least=0.3)
        reference = detector.fit({"0": np.random.default_rng(1).random(2000)})
        saved_detector.save(self.folder / "detector", detector, reference)
        watch = {"service": "taxi", "detector": str(self.folder / "detector")}
        watch |= {"window": {"rows": WINDOW}, "labels": {"task": "binary", "delay_hours": 0}}
        (self.folder / "watch.yaml").write_text(json.dumps([watch]))
        server = Server(
            str(self.folder / "events.db"), self.folder, "--watch", str(self.folder / "watch.yaml")
        )
        server.start()
        server.wait()
        send_earlier(server.url)
        return server

    def opened(self) -> str:
        log = self.folder / "watch.log"
        command = [str(KANARIA), "watch", "--state", str(self.state), "--port", "0"]
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [*command, "--drift-server", self.drift.url], stderr=file, stdout=file
            )
        self.stack.callback(self.process.wait)
        self.stack.callback(self.process.terminate)
        return until(lambda: self.url_in(log))

    def url_in(self, log: Path) -> str:
        text = log.read_text()
        assert self.process.poll() is None, text
        address = re.search(r"http://\S+/", text)
        return address[0] if address else ""

    @contextmanager
    def controlled(self):
        """Let a rollout of `alike` at taxi be judged."""
        self.push("taxi", "alike")
        policy = self.folder / "policy.yaml"
        policy.write_text(POLICY)
        begun = rollout(self.state, "start", "--no-wait", "--policy", str(policy))
        assert begun.returncode == 0, begun.stderr
        command = [sys.executable, "-I", "-m", "kanaria.serving.rollout", "--interval", "1"]
        with (self.folder / "controller.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--state", str(self.state), "--port", "0"], stderr=log
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait()

    def shown(self) -> dict:
        return httpx.get(f"{self.page}state.json").raise_for_status().json()

    def service(self, name: str) -> dict:
        (service,) = [one for one in self.shown()["services"] if one["name"] == name]
        return {one["name"]: one for one in service["revisions"]}


@pytest.fixture(scope="module")
def watched(models, tmp_path_factory):
    with ExitStack() as stack:
        yield Watched(models, tmp_path_factory.mktemp("live-page"), stack)


@pytest.fixture(scope="module")
def answers(watched):
    """What four clients counted themselves of each revision of fares: its codes."""
    until(lambda: watched.shown()["window_seconds"])
    url = f"{watched.url}/v1/models/fares:predict"
    with requests_to(url) as answers:
        until(lambda: sum(many for (_, code), many in answers.items() if code >= 500) > 20)
    return answers


def of(answers, revision, least=0):
    return sum(many for (name, code), many in answers.items() if name == revision and code >= least)


def test_the_page_counts_what_the_clients_counted(watched, answers):
    until(lambda: watched.service("fares")[GOOD]["requests"] == of(answers, GOOD))
    revisions = watched.service("fares")
    both = of(answers, GOOD) + of(answers, FAILING)
    for name, share in ((GOOD, 0.6), (FAILING, 0.4)):
        one, many = revisions[name], of(answers, name)
        assert one["requests"] == many
        assert one["errors"]["value"] == pytest.approx(of(answers, name, 500) / many)
        assert one["errors"]["low"] <= one["errors"]["value"] <= one["errors"]["high"]
        assert one["share_seen"]["value"] == pytest.approx(many / both)
        assert one["share_set"] == pytest.approx(share)
        assert one["is_ready"] is True
        assert 0 <= one["slow"]["low"] <= one["slow"]["value"]
        minutes = [point for point in one["course"] if point["errors"]]
        assert minutes
    assert revisions[GOOD]["errors"]["value"] == 0
    assert revisions[FAILING]["errors"]["value"] > 0


@pytest.mark.parametrize(("moved", "light"), [(0.0, "stable"), (3.0, "drifted")])
def test_a_drift_light_follows_the_window(watched, moved, light):
    draw, url = np.random.default_rng(2), f"{watched.url}/v1/models/taxi:predict"
    for _ in range(-(-WINDOW // 20)):
        rows = [[value + moved] for value in draw.random(20)]
        httpx.post(url, json={"instances": rows}).raise_for_status()
    (watch,) = until(
        lambda: [
            o for o in watched.shown()["drift"] if (o["version"], o["light"]) == ("serving", light)
        ]
    )
    assert watch["service"] == "default/taxi"
    assert watch["rows"] == WINDOW
    assert watch["features"] == (["0"] if light == "drifted" else [])


def test_quality_on_labels_is_that_of_the_answers(watched):
    accuracy = until(
        lambda: [
            o
            for o in watched.shown()["quality"]
            if (o["version"], o["metric"]) == ("old", "accuracy")
        ]
    )[0]
    assert accuracy["value"] == pytest.approx(0.75)
    assert accuracy["low"] < 0.75 < accuracy["high"]


def test_a_running_rollout_says_what_it_waits_for(watched):
    with watched.controlled(), requests_to(f"{watched.url}/v1/models/taxi:predict"):
        (one,) = until(
            lambda: [o for o in watched.shown()["rollouts"] if o["desired"] == 0.5 and o["spent"]]
        )
        assert one["phase"] == "progressing"
        rows = dict(one["rows"])
        assert "more requests of the canary" in rows["waiting"]
        assert rows["step"].startswith("1/2")
        until(lambda: "canary" in dict(watched.shown()["rollouts"][0]["rows"])["errors"])
        until(lambda: (watched.service("taxi")["taxi-predictor-00002"]["requests"]) > 20)


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.1:80"])
def test_other_names_are_refused(watched, host):
    assert httpx.get(watched.page, headers={"Host": host}).status_code == 403


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with started(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_it_without_errors_and_asks_nobody_else(
    watched, tab, width, dark, tmp_path
):
    tab.look(width=width, height=2600, dark=dark)
    tab.open(watched.page)
    tab.wait_for("document.getElementById('age').textContent.startsWith('● live')")
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert tab.headings()[:2] == ["Kanaria, live", "Services"]
    for word in ("● ready", "● answers"):
        assert word in tab.value("document.body.textContent")
    tab.shot(tmp_path / f"live-{width}-{'dark' if dark else 'light'}.png")
    assert tab.errors == []
    assert [url for url in tab.requests if not url.startswith((watched.page, "data:"))] == []


def test_a_changed_share_shows_without_reload(watched, tab):
    tab.open(watched.page)
    tab.value("window.same = true")
    for percent in (70, 25):
        watched.traffic.shift("default", "fares", percent)
        tab.wait_for(f"document.getElementById('services').textContent.includes('{percent} %')")
    assert tab.value("window.same") is True


def test_a_server_that_is_away_is_named_and_the_rest_goes_on(watched, tab):
    tab.open(watched.page)
    watched.drift.process.send_signal(signal.SIGSTOP)
    try:
        tab.wait_for("document.getElementById('drift').textContent.includes('▲ Stale')")
        assert "Stale" not in tab.value("document.getElementById('services').textContent")
        assert "no answer" in tab.value("document.getElementById('sources').textContent")
    finally:
        watched.drift.process.send_signal(signal.SIGCONT)
    tab.wait_for("!document.getElementById('drift').textContent.includes('▲ Stale')")


def test_a_page_whose_own_server_is_away_says_so(watched, tab):
    tab.open(watched.page)
    tab.wait_for("document.getElementById('age').textContent.startsWith('● live')")
    watched.process.send_signal(signal.SIGSTOP)
    try:
        tab.wait_for("document.getElementById('age').textContent.startsWith('▲ Stale')")
        assert "fares" in tab.value("document.getElementById('services').textContent")
    finally:
        watched.process.send_signal(signal.SIGCONT)
    tab.wait_for("document.getElementById('age').textContent.startsWith('● live')")
