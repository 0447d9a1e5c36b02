"""What starts trainings, and a stream, beside the services that are watched."""

import threading
from contextlib import contextmanager

import trigger_toy
from broker import broker
from kafka_topics import Topics
from kfp import compiler
from one_machine import stage
from real_prometheus import free_port, until
from stream_process import Streaming, config
from trigger_process import running

TRIGGERS = """
runs: {{where: here, root: {folder}/own}}
drift_server: http://127.0.0.1:{closed_port}
triggers:
  - name: on-request
    when: [{{request: true}}]
    start: {{pipeline: announcing.yaml}}
    runs_a_day: 2
  - name: on-labels
    when: [{{request: true}}]
    start: {{pipeline: announcing.yaml}}
    labelled_rows: {{at_least: 10, service: taxi}}
"""
"""The second asks a drift server that does not answer, again and again."""
SERVICE = "tolls"


@contextmanager
def trigger_server(folder):
    """Run a server that has started a run, refused one and failed at one; give its address."""
    folder.mkdir()
    compiler.Compiler().compile(trigger_toy.announcing, str(folder / "announcing.yaml"))
    path = folder / "triggers.yaml"
    path.write_text(TRIGGERS.format(folder=folder, closed_port=free_port()))
    with running(path, str(folder / "store.sqlite")) as server:
        for expected in ("succeeded", "refused"):
            assert server.post("/triggers/on-request") == 200
            assert server.settled()[-1]["state"] == expected
        assert server.post("/triggers/on-labels") == 200
        yield server.url


@contextmanager
def stream(folder, live):
    """Run a stream of messages without end, every other malformed; give its address."""
    folder.mkdir()
    stage(live.traffic, live.models / "plain", SERVICE)
    with broker(folder) as kafka:
        topics = Topics(kafka.address)
        named = config(topics, {"name": SERVICE})
        process = Streaming(folder, named, live.state)
        try:
            url = process.url
            with _sending(topics, named["topics"]["input"]):
                until(process.is_ready)
                yield url
        finally:
            process.close()


@contextmanager
def _sending(topics, name):
    ended = threading.Event()

    def send():
        while not ended.wait(0.2):
            topics.send(name, [b"[0.5]", b"nothing"])

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
