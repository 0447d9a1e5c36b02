"""A real Prometheus, and replicas that it scrapes: processes that a test starts and kills."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

COUNTING_SERVER = Path(__file__).with_name("counting_server.py")
REMEDY = "install it (Debian: apt-get install prometheus), or put its program on the PATH"
TIMEOUT_SECONDS = 60
TOLD_APART_SECONDS = 3.0
NAMESPACE = "team"
CLIENT = httpx.Client(timeout=5)
CONFIGURATION = """
global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs:
  - job_name: queue-proxy
    file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]
"""


def until(holds, times=1):
    deadline = time.monotonic() + times * TIMEOUT_SECONDS
    while not (value := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    try:
        return CLIENT.get(url).is_success
    except httpx.HTTPError:
        return False


class Replica:
    """One pod: a port and a name that outlive its process."""

    def __init__(self, revision, number):
        self.revision, self.pod = revision, f"{revision}-deployment-6f7c9-{number:05d}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        command = [sys.executable, str(COUNTING_SERVER), str(self.port)]
        self.process = subprocess.Popen(command)
        self.started = time.monotonic()
        until(lambda: answers(f"{self.url}/metrics"))

    def kill(self):
        """End the process without a word, when a start now is told from the one before."""
        until(lambda: time.monotonic() - self.started > TOLD_APART_SECONDS)
        self.process.kill()
        self.process.wait()

    def fail_scrapes(self, fail):
        CLIENT.get(f"{self.url}/scrapes", params={"fail": int(fail)}).raise_for_status()

    def target(self):
        labels = {"namespace": NAMESPACE, "pod": self.pod, "container": "queue-proxy"}
        return {"targets": [f"127.0.0.1:{self.port}"], "labels": labels}


class Prometheus:
    """A Prometheus on a folder; its data outlive its process."""

    def __init__(self, folder, configuration=CONFIGURATION):
        self.program = shutil.which("prometheus") or pytest.fail(f"no prometheus here: {REMEDY}")
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "prometheus.yml").write_text(configuration)
        self.scrape([])
        self.start()

    def start(self):
        command = [self.program, f"--config.file={self.folder / 'prometheus.yml'}"]
        command += [f"--storage.tsdb.path={self.folder / 'data'}", "--log.level=warn"]
        command += [f"--web.listen-address=127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, cwd=self.folder)
        until(lambda: answers(f"{self.url}/-/ready"))

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def scrape(self, replicas):
        """Scrape these replicas from now on, and no others."""
        written = self.folder / "targets.tmp"
        written.write_text(json.dumps([replica.target() for replica in replicas]))
        written.rename(self.folder / "targets.json")

    def ask(self, query):
        """Return the samples of an expression now."""
        answer = CLIENT.get(f"{self.url}/api/v1/query", params={"query": query}).json()
        assert answer["status"] == "success", (query, answer)
        return answer["data"]["result"]

    def sampled(self):
        """Return the time of the last scrape of each pod that succeeded and is still scraped."""
        result = self.ask("timestamp(up) and (up == 1)")
        return {row["metric"]["pod"]: float(row["value"][1]) for row in result}


class World:
    """Replicas, the Prometheus that scrapes them, and what clients counted themselves."""

    def __init__(self, folder):
        self.prometheus, self.replicas = Prometheus(folder), []
        self.made: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.slow: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def add(self, revision):
        self.made[revision] += 1
        replica = Replica(revision, self.made[revision])
        self.replicas.append(replica)
        self.prometheus.scrape(self.replicas)
        return replica

    def remove(self, replica):
        self.replicas.remove(replica)
        self.prometheus.scrape(self.replicas)
        until(lambda: replica.pod not in self.prometheus.sampled())
        replica.kill()

    def send(self, replica, number, code=200, seconds=0.002):
        for host in range(number):
            query = {"code": code, "seconds": seconds, "host": f"host-{host % 3}"}
            assert CLIENT.get(f"{replica.url}/answer", params=query).status_code == code
            self.requests[replica.revision] += 1
            self.errors[replica.revision] += code >= 500
            self.refused[replica.revision] += 300 <= code < 499
            self.slow[replica.revision] += seconds > 0.1

    def settle(self, *but):
        """Wait until all was scraped that was sent; replicas in `but` cannot be scraped."""
        now, wanted = time.time(), {one.pod for one in self.replicas if one not in but}

        def are_scraped():
            sampled = self.prometheus.sampled()
            gone = not any(one.pod in sampled for one in but)
            return gone and all(sampled.get(pod, 0) > now for pod in wanted)

        until(are_scraped)

    def close(self):
        self.prometheus.stop()
        for replica in self.replicas:
            replica.kill()
