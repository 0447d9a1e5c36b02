"""What a stream bears: a minute of messages through a real broker, with a kill -9 in it.

Usage: kafka_stream.py [--rate 1000] [--seconds 60] [--delivery at_least_once] [--no-kill]

Broker, model (`kanaria serve`, a SavedModel that adds), stream and sender share this machine. Each
answer is compared with the model's arithmetic; none may be lost. CPU seconds are told beside the
rate: a busy machine changes the one and hardly the other.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from confluent_kafka import Producer

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/kafka"))
sys.path.insert(0, str(Path(__file__).parents[2] / "serving/local/tests"))
from broker import broker
from kafka_topics import Topics, until
from local_server import Server
from stream_process import Streaming, config, row

from kanaria.components.shared.config import yaml_text
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec

ROOT = Path(__file__).parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
FIRST = 14
"""The model fails on 13."""


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and all that it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(map(cpu_seconds, map(int, children)))


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """Serve the model for the block's time."""
    script = ROOT / "tests/kafka/make_stream_models.py"
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True)
    manifest = folder / "adder.yaml"
    manifest.write_text(
        yaml_text.dump(build(ServiceSpec(name="adder", storage_uri=f"{folder}/adder")))
    )
    server = Server(folder / "state", manifest)
    until(lambda: server.ready("adder"))
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


def send(address: str, topic: str, rate: int, first: int, count: int) -> float:
    """Send messages at a rate; return the seconds that it took."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 5})
    began = time.monotonic()
    for place in range(first, first + count):
        producer.produce(topic, row(place + FIRST), str(place))
        producer.poll(0)
        ahead = (place + 1 - first) / rate - (time.monotonic() - began)
        if ahead > 0.005:
            time.sleep(ahead)
    producer.flush()
    return time.monotonic() - began


def measure(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Run the minute and return what was measured."""
    count = options.rate * options.seconds
    with ExitStack() as stack:
        (folder / "broker").mkdir()
        running = stack.enter_context(broker(folder / "broker"))
        server = stack.enter_context(served(folder))
        topics = Topics(running.address)
        settings = config(topics, {"name": "adder"}, delivery=options.delivery, partitions=4)
        settings["batch"] = {"messages": 64, "milliseconds": 20}
        if options.delivery == "exactly_once":
            settings["kafka"]["transactional.id"] = "benchmark"
        names = settings["topics"]
        stream = Streaming(folder, settings, server.state)
        until(lambda: "partitions [0" in stream.said)
        idle = cpu_seconds(server.process.pid)
        half = 0 if options.no_kill else count // 2
        send(running.address, names["input"], options.rate, 0, half)
        cpu = 0.0
        if half:
            cpu = cpu_seconds(stream.process.pid)
            stream.kill()
            stream = Streaming(folder, settings, server.state)
        began = time.monotonic()
        send(running.address, names["input"], options.rate, half, count - half)
        sent = time.monotonic()
        topics.wait_for_commits(settings["group"], names["input"], count)
        done = time.monotonic()
        answers = topics.read(names["output"])
        cpu += cpu_seconds(stream.process.pid)
        model = cpu_seconds(server.process.pid) - idle
        sources = {one.key(): one.timestamp()[1] for one in topics.read(names["input"])}
        stream.close()
    scores = {one.key(): json.loads(one.value())["score"] for one in answers}
    expected = {str(n).encode(): 100.0 + 2 * (n + FIRST) for n in range(count)}
    delays = [one.timestamp()[1] - sources[one.key()] for one in answers[: len(answers) // 3]]
    return {
        "messages": count,
        "lost": len(expected.keys() - scores.keys()),
        "wrong": sum(scores[key] != expected[key] for key in scores),
        "repeated": len(answers) - len(scores),
        "sent_per_second": round((count - half) / (sent - began)),
        "answered_per_second": round((count - half) / (done - began)),
        "seconds_behind_the_sender": round(done - sent, 1),
        "delay_ms_p50": float(np.quantile(delays, 0.5)),
        "delay_ms_p99": float(np.quantile(delays, 0.99)),
        "stream_cpu_ms_per_message": round(1000 * cpu / count, 3),
        "model_cpu_ms_per_message": round(1000 * model / count, 3),
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Measure, and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--delivery", default="at_least_once")
    parser.add_argument("--no-kill", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(options, Path(folder)), indent=1))


if __name__ == "__main__":
    main()
