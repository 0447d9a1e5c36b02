"""Puts a stream together, and runs it until a signal."""

import logging
import os
import signal
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kanaria.components.shared.command_line import STOPS, Stopped
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import NotReadyError
from kanaria.serving import kafka_client
from kanaria.serving.health_port import open_port
from kanaria.serving.kafka_client import PROTOCOL, SERVERS
from kanaria.serving.kafka_secrets import secret_values
from kanaria.serving.local.state.state_folder import live_url
from kanaria.serving.stream import broker_topics
from kanaria.serving.stream.answer_writer import (
    PlainWriter,
    Topics,
    TransactionWriter,
    producer_properties,
)
from kanaria.serving.stream.ask_batch import BatchAsker
from kanaria.serving.stream.model_client import ModelClient, is_well
from kanaria.serving.stream.next_step import wait_seconds
from kanaria.serving.stream.stopping import Stopping
from kanaria.serving.stream.stream_file import TRANSACTIONAL_ID, Delivery, Model, StreamFile
from kanaria.serving.stream.stream_loop import Flow, StreamLoop
from kanaria.serving.stream.stream_metrics import Metrics
from kanaria.serving.stream.topic_reader import TopicReader, consumer_properties
from kanaria.serving.trace_settings import request_traces

if TYPE_CHECKING:
    from kanaria.serving.request_traces import RequestTraces

logger = logging.getLogger(__name__)
CONSUMER_ALONE = (
    "group.",
    "session.",
    "heartbeat.",
    "partition.assignment.",
    "auto.offset.",
    "max.poll.",
    "fetch.",
)
PRODUCER_ALONE = ("transactional.", "transaction.", "linger.", "batch.", "compression.", "acks")
"""How properties begin that one of the clients alone has; the other would warn of them."""


def run(stream: StreamFile, state: Path, host: str, port: int) -> int:
    """Answer messages until SIGINT or SIGTERM.

    Args:
        stream: what it does.
        state: folder of local serving, for a model without URL.
        host: address of the port for probes and metrics.
        port: 0 takes a free one.

    Raises:
        KanariaError: a property, a topic or the port cannot be used, or the broker refuses.
        Stopped: by the signal, when all has ended.
    """
    properties = client_properties(stream, os.environ)
    metrics, stopping = Metrics(), Stopping()
    for number in STOPS:  # A signal interrupts nothing that is half done.
        signal.signal(number, lambda number, _: stopping.set(number))
    address = _address(stream.model, state)
    headers = dict(stream.model.headers)
    if not stream.model.url:
        headers.setdefault("Host", f"{stream.model.name}.{stream.model.namespace}")
    traces = request_traces("kanaria-stream")
    model_of, asker_of = _traced(traces) if traces else (ModelClient, BatchAsker)
    model = model_of(
        address,
        stream.model.name,
        stream.model.protocol,
        headers,
        stream.model.timeout_seconds,
        metrics,
    )
    with open_port(metrics, host, port) as taken, closing(model):
        logger.info("probes and metrics on port %d", taken)
        topics = _topics(stream, properties, metrics, stopping)
        if topics and _model(model, stream.model, metrics, stopping):
            asker = asker_of(model, metrics, stopping)
            _answer(stream, properties, topics, asker, metrics, stopping)
    raise Stopped(stopping.signal)


def client_properties(stream: StreamFile, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of a stream's clients.

    Raises:
        ParameterError: no broker is named, a secret or a file is not where the config says, or
            transactions are named and not asked for; all faults are named.
    """
    faults = Faults("kafka")
    secrets = secret_values(stream.secrets, environment, "secrets", faults)
    properties = kafka_client.properties(stream.kafka | secrets, environment)
    kafka_client.check_files(properties, faults)
    if not properties.get(SERVERS):
        faults.add(f"{SERVERS} is missing: name the brokers, as host:9092,host:9092")
    is_exact = stream.delivery is Delivery.EXACTLY_ONCE
    remedy = f"set delivery: {Delivery.EXACTLY_ONCE.value}, or remove it"
    in_file = stream.kafka.get(TRANSACTIONAL_ID)
    faults.check(is_exact or not in_file, TRANSACTIONAL_ID, in_file, remedy)
    faults.raise_if_any()
    # Another one for each process: two of one name would shut each other out.
    name = properties.pop(TRANSACTIONAL_ID, f"{stream.group}-{uuid.uuid4().hex}")
    return properties | ({TRANSACTIONAL_ID: name} if is_exact else {})


def _traced(
    traces: "RequestTraces",
) -> tuple[Callable[..., ModelClient], Callable[..., BatchAsker]]:
    """Return what makes a model's client and an asker with spans; loads OpenTelemetry."""
    from kanaria.serving.stream.stream_traces import TracedAsker, TracedModel

    return partial(TracedModel, traces), partial(TracedAsker, traces)


def _address(model: Model, state: Path) -> Callable[[], str]:
    def local() -> str:
        if url := live_url(state):
            return url
        raise NotReadyError(f"{state}: no server is live on it; start `kanaria serve`")

    return (lambda: model.url) if model.url else local


def _without(properties: Mapping[str, str], beginnings: tuple[str, ...]) -> dict[str, Any]:
    return {name: one for name, one in properties.items() if not name.startswith(beginnings)}


def _topics(
    stream: StreamFile, properties: Mapping[str, str], metrics: Metrics, stopping: Stopping
) -> Topics | None:
    """Return the topics once the broker has told of them, None when the stream is to stop.

    Raises:
        NotReadyError: one is not there, or that of the dead letters is compacted.
    """
    both = (*CONSUMER_ALONE, *PRODUCER_ALONE)
    cause = kafka_client.LastError()
    admin = kafka_client.client(AdminClient, _without(properties, both) | {"error_cb": cause})
    names = stream.topics
    waits = 0
    while not stopping.is_set():
        try:
            absent = broker_topics.missing(admin, [*vars(names).values()])
            rules = broker_topics.rules(admin, [names.output, names.dead_letters])
        except KafkaException as error:
            admin.poll(0)  # It tells the cause, a wrong password say, nowhere else.
            what = cause.text or kafka_client.reason(error)
            way = properties.get(PROTOCOL, "plaintext")
            why = f"no broker answers at {properties[SERVERS]} by {PROTOCOL}={way}: {what}"
            metrics.show_start(why)
            logger.warning("%s; it is asked again", why)
            stopping.wait(wait_seconds(waits, 0.0))
            waits += 1
            continue
        if absent:
            raise NotReadyError(f"no topic {', '.join(absent)} at {properties[SERVERS]}; create it")
        if rules[names.dead_letters].needs_key:
            text = "is compacted, which loses dead letters of one key; set cleanup.policy=delete"
            raise NotReadyError(f"topic {names.dead_letters} {text}")
        return Topics(output=names.output, dead_letters=names.dead_letters, rules=rules)
    return None


def _model(client: ModelClient, model: Model, metrics: Metrics, stopping: Stopping) -> bool:
    """Wait until the model is ready; return False when the stream is to stop before."""
    waits = 0
    while not stopping.is_set():
        answer = client.is_ready()
        if is_well(answer):
            client.learn()
            return True
        text = answer.body.decode("utf-8", "replace")[:200]
        why = f"model {model.name} is not ready: {answer.status or ''} {text}"
        metrics.show_start(why)
        if waits & (waits - 1) == 0:
            logger.warning("%s; it is asked again", why)
        stopping.wait(wait_seconds(waits, answer.retry_after))
        waits += 1
    return False


def _answer(
    stream: StreamFile,
    properties: Mapping[str, str],
    topics: Topics,
    asker: BatchAsker,
    metrics: Metrics,
    stopping: Stopping,
) -> None:
    reading = consumer_properties(_without(properties, PRODUCER_ALONE), stream.group)
    writing = producer_properties(_without(properties, CONSUMER_ALONE), topics)
    with closing(TopicReader(reading, stream.topics.input, metrics)) as reader:
        kind = PlainWriter if stream.delivery is Delivery.AT_LEAST_ONCE else TransactionWriter
        with closing(kind(writing, topics, reader, metrics, stopping.is_overdue)) as writer:
            flow = Flow(
                messages=stream.batch.messages,
                seconds=stream.batch.milliseconds / 1000,
                requests=stream.model.requests,
            )
            reader.subscribe()
            metrics.show_start("")
            logger.info("%s", _beginning(stream))
            StreamLoop(reader, writer, asker, flow, metrics).run(stopping)


def _beginning(stream: StreamFile) -> str:
    topics, model = stream.topics, stream.model
    where = model.url or "kanaria serve"
    return (
        f"group {stream.group}: {topics.input} -> {model.name} at {where} -> {topics.output}, "
        f"{stream.delivery.value.replace('_', ' ')}; dead letters to {topics.dead_letters}"
    )
