"""A real Alertmanager, and the webhook that it calls."""

import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from real_prometheus import CLIENT, answers, free_port, until

CONFIGURATION = Path(__file__).parents[2] / "manifests/components/alertmanager/alertmanager.yml"
SHIPPED_URL = "http://localhost:9099"
REMEDY = "install it (Debian: apt-get install prometheus-alertmanager), or put it on the PATH"
NAMES = ("prometheus-alertmanager", "alertmanager")
"""Debian's, and its makers'."""


def program(*names):
    paths = [path for name in names if (path := shutil.which(name))]
    return paths[0] if paths else pytest.fail(f"no {names[0]} here: {REMEDY}")


def shipped_to(url):
    """Return the shipped configuration with a webhook of the test, and no wait for a group."""
    shipped = CONFIGURATION.read_text()
    assert (shipped.count(SHIPPED_URL), shipped.count("group_wait: 30s")) == (2, 1)
    return shipped.replace(SHIPPED_URL, url).replace("group_wait: 30s", "group_wait: 1s")


class Webhook:
    """A server on a free port that keeps what is posted to it, by path."""

    def __init__(self):
        self.posted: list[tuple[str, Any]] = []
        posted = self.posted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted.append((self.path, json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def alerts(self, path):
        """Return the alerts that were posted to a path, in order."""
        return [alert for where, body in self.posted if where == path for alert in body["alerts"]]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Alertmanager:
    """An Alertmanager of its own folder, alone (it gossips with nobody)."""

    def __init__(self, folder, configuration):
        self.port, self.file = free_port(), folder / "alertmanager.yml"
        self.url = f"http://127.0.0.1:{self.port}"
        self.file.write_text(configuration)
        command = [program(*NAMES), f"--config.file={self.file}", "--log.level=warn"]
        command += [f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address="]
        command += [f"--web.listen-address=127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command)
        until(lambda: answers(f"{self.url}/-/ready"))

    def post(self, *alerts):
        """Let alerts fire, each given by its labels."""
        body = [{"labels": labels} for labels in alerts]
        CLIENT.post(f"{self.url}/api/v2/alerts", json=body).raise_for_status()

    def muted(self):
        """Return the names and revisions of the alerts that others inhibit."""
        answer = CLIENT.get(f"{self.url}/api/v2/alerts").raise_for_status().json()
        return {
            (alert["labels"]["alertname"], alert["labels"].get("revision", ""))
            for alert in answer
            if alert["status"]["inhibitedBy"]
        }

    def close(self):
        self.process.terminate()
        self.process.wait()
