"""Everything that is watched, running.

Models under the local server, requests and their labels, the drift server with a watch, a rollout's
controller, what starts trainings, a stream, Prometheus with the rules, Alertmanager with a webhook.
"""

import itertools
import json
import random
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import httpx
import numpy as np
from event_sender import Server, headers
from live_starts import stream, trigger_server
from one_machine import rollout, stage
from real_alertmanager import Alertmanager, Webhook, shipped_to
from real_prometheus import Prometheus, answers, free_port, until
from shortened_rules import shortened

from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.inference_service.service_spec import PayloadLog
from kanaria.serving.local.background_server import served
from kanaria.serving.traffic.local_traffic import LocalTraffic

POLICY = """
steps: [{percent: 50, minimum_requests: 1000000, minimum_minutes: 0}]
warm_up: {minutes: 0, requests: 20}
gates: {latency: false}
"""
"""A rollout that goes on for as long as the tests do."""
OWN_OBJECTIVES = """
groups:
  - name: own-objectives
    interval: 1s
    rules:
      - record: kanaria:service_errors:own_objective
        labels: {namespace: default, service: fares}
        expr: vector(0.001)
"""
CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}}
rule_files: [rules.yml, own.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]}}
scrape_configs:
  - job_name: kanaria
    honor_labels: true
    static_configs: [{{targets: {targets}}}]
  - job_name: flights-scoring
    static_configs: [{{targets: ["{stream}"]}}]
"""
ROWS, WINDOW = 20, 400


class Clients:
    """Sends rows to a service, and their labels where a drift server is, until it is closed.

    `moved` shifts the rows from now on.
    """

    def __init__(self, url, service, drift_url=""):
        self.url, self.drift_url, self.moved = f"{url}/v1/models/{service}:predict", drift_url, 0.0
        self.ended, self.numbers = threading.Event(), itertools.count()
        self.thread = threading.Thread(target=self.send)
        self.thread.start()

    def send(self):
        with httpx.Client(timeout=None) as client:
            while not self.ended.wait(0.05):
                name = f"ride-{next(self.numbers)}"
                rows = [[random.random() + self.moved] for _ in range(ROWS)]
                head = {"X-Request-Id": name}
                client.post(self.url, json={"instances": rows}, headers=head)
                if self.drift_url:
                    self.label(client, name)

    def label(self, client, name):
        labels = [{"request_id": name, "row": row, "label": 1} for row in range(ROWS)]
        client.post(f"{self.drift_url}/labels", json=labels)

    def close(self):
        self.ended.set()
        self.thread.join()


def send_earlier(url):
    """Send requests of the last three hours, with labels: what is due for labels is whole hours."""
    for minutes in range(20, 180, 20):
        name, moment = f"early-{minutes}", datetime.fromtimestamp(time.time() - minutes * 60, UTC)
        for kind, body in ("request", {"instances": [[0.5]]}), ("response", {"predictions": [0.5]}):
            head = headers(kind, name, name, version="serving") | {
                "ce-inferenceservicename": "taxi",
                "ce-namespace": "default",
                "ce-time": moment.isoformat(),
            }
            httpx.post(url, headers=head, content=json.dumps(body)).raise_for_status()
        label = {"request_id": name, "row": 0, "label": 1}
        httpx.post(f"{url}/labels", json=[label]).raise_for_status()


class Live:
    """What runs, for tests to look at and to disturb."""

    def __init__(self, models, folder, stack):
        self.models, self.folder, self.state = models, folder, folder / "serving"
        self.webhook = Webhook()
        stack.callback(self.webhook.close)
        self.drift = self.watching()
        stack.callback(self.drift.stop)
        self.url = stack.enter_context(served(self.state))
        self.traffic = stack.enter_context(LocalTraffic(self.state))
        self.push("serving")
        self.clients = Clients(self.url, "taxi", self.drift.url)
        stack.callback(self.clients.close)
        controller, self.controller_url = self.controlling()
        stack.callback(controller.wait)
        stack.callback(controller.terminate)
        self.alertmanager = Alertmanager(folder, shipped_to(self.webhook.url))
        stack.callback(self.alertmanager.close)
        triggers = stack.enter_context(trigger_server(folder / "triggers"))
        streaming = stack.enter_context(stream(folder / "stream", self))
        self.prometheus = self.observing(triggers, streaming)
        stack.callback(self.prometheus.stop)

    def watching(self):
        draw = np.random.default_rng(1)
        detector = Table(least=0.3)
        reference = detector.fit({"0": draw.random(2000)})
        saved_detector.save(self.folder / "detector", detector, reference)
        watch = {
            "service": "taxi",
            "detector": str(self.folder / "detector"),
            "window": {"rows": WINDOW},
            "labels": {"task": "binary", "delay_hours": 0},
        }
        (self.folder / "watch.yaml").write_text(json.dumps([watch]))
        options = ("--watch", str(self.folder / "watch.yaml"), "--label-delay-hours", "0.01")
        server = Server(str(self.folder / "events.db"), self.folder, *options)
        server.start()
        server.wait()
        send_earlier(server.url)
        return server

    def push(self, name):
        log = PayloadLog(url=self.drift.url, headers=("X-Request-Id",))
        version = {"kanaria.io/model-version": name}
        stage(self.traffic, self.models / name, log=log, annotations=version)

    def controlling(self):
        port = free_port()
        command = [sys.executable, "-I", "-m", "kanaria.serving.rollout", "--interval", "1"]
        command += ["--state", str(self.state), "--port", str(port)]
        with (self.folder / "controller.log").open("w") as log:
            process = subprocess.Popen(command, stderr=log)
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        return process, f"http://127.0.0.1:{port}"

    def observing(self, triggers, streaming):
        (self.folder / "rules.yml").write_text(shortened())
        (self.folder / "own.yml").write_text(OWN_OBJECTIVES)
        urls = (self.url, self.drift.url, self.controller_url, triggers)
        written = CONFIGURATION.format(
            alertmanager=self.alertmanager.url.removeprefix("http://"),
            targets=json.dumps([url.removeprefix("http://") for url in urls]),
            stream=streaming.removeprefix("http://"),
        )
        return Prometheus(self.folder, written)

    def roll_out(self, name):
        """Stage a model and begin its rollout, which the controller works on."""
        self.push(name)
        policy = self.folder / "policy.yaml"
        policy.write_text(POLICY)
        begun = rollout(self.state, "start", "--no-wait", "--policy", str(policy))
        assert begun.returncode == 0, begun.stderr


@contextmanager
def live(models, folder):
    with ExitStack() as stack:
        yield Live(models, folder, stack)
