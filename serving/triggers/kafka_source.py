"""Takes the messages of Kafka topics in, at least once.

A message's offset is committed only after what it started is recorded: its run has begun, or it was
refused, and why is in the store. A process that ends before finds the message again, and its key in
the store says that it was there. A message that cannot be read is kept as refused, and does not
hold up those behind it.

Source: Apache Kafka documentation, "Message Delivery Semantics"; confluent-kafka, `Consumer`.
"""

import itertools
import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Received

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving import kafka_client
from kanaria.serving.databases.database import StoreError
from kanaria.serving.kafka_secrets import secret_values
from kanaria.serving.protocol.body_limits import check_json
from kanaria.serving.triggers.events import messages
from kanaria.serving.triggers.events.event import Event, EventError
from kanaria.serving.triggers.events.messages import Message
from kanaria.serving.triggers.intake import Intake, Taken
from kanaria.serving.triggers.trigger_file import Kafka
from kanaria.serving.triggers.trigger_states import OPEN
from kanaria.serving.triggers.trigger_store import TriggerStore

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.5
AGAIN_SECONDS = 2.0
"""Before a message that could not be kept is tried again."""
MOST_WAITING = 50
"""Messages whose offsets are not committed yet; no more are read meanwhile."""
SETTINGS = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # A message that came while no server ran is as good as any.
    "auto.offset.reset": "earliest",
}
Place = tuple[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Waiting:
    """A message in the store whose offset is not committed: what it became there."""

    offset: int
    taken: Sequence[Taken]


def settings(kafka: Kafka, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return what librdkafka is told, secrets from the environment and files among it.

    Args:
        kafka: of the trigger file.
        environment: where its secrets are looked up.

    Raises:
        ParameterError: secrets or files are not where the file says; all are named.
    """
    faults = Faults("kafka")
    secrets = secret_values(kafka.secrets, environment, "secrets", faults)
    kafka_client.check_files(kafka.settings, faults)
    faults.raise_if_any()
    place = {"bootstrap.servers": kafka.bootstrap_servers, "group.id": kafka.group}
    return {"client.id": "kanaria-trigger", **kafka.settings, **secrets, **place, **SETTINGS}


class KafkaSource:
    """A consumer of topics; lives in one thread."""

    def __init__(
        self, kafka: Kafka, topics: Iterable[str], intake: Intake, store: TriggerStore
    ) -> None:
        """Read `topics`, and hand to `intake` what comes; `run` connects.

        Raises:
            ParameterError: a setting or a secret is wrong.
        """
        self._intake, self._store = intake, store
        self._waiting: dict[Place, deque[_Waiting]] = {}
        self._holds: bool | None = False
        self._topics = sorted(set(topics))
        try:
            self._consumer = Consumer(settings(kafka), logger=kafka_client.logger)
        except (KafkaException, ValueError, TypeError) as error:
            raise ParameterError(f"kafka.settings: {_said(error)}; see librdkafka's") from error

    def run(self, ended: threading.Event) -> None:
        """Take in what comes until `ended` is set."""
        self._consumer.subscribe(
            self._topics,
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
        )
        try:
            while not ended.is_set():
                received = self._consumer.poll(POLL_SECONDS)
                if received is not None:
                    self._receive(received, ended)
                self._commit()
                self._hold()
        finally:
            self._commit()
            self._consumer.close()

    def _receive(self, received: Received, ended: threading.Event) -> None:
        if error := received.error():
            # What passes librdkafka mends itself; what does not is told again and again.
            logger.error("kafka: %s", _said(error))
            return
        message = _message(received)
        while not ended.is_set():
            try:
                taken = self._take(message)
            except StoreError as error:
                logger.error("%s is not kept, and tried again: %s", message.place, error)
                ended.wait(AGAIN_SECONDS)
                continue
            place = (message.topic, message.partition)
            waiting = self._waiting.setdefault(place, deque())
            waiting.append(_Waiting(offset=message.offset, taken=taken))
            return

    def _take(self, message: Message) -> Sequence[Taken]:
        came: Event = messages.came(message)
        try:
            check_json(message.value)
            events = messages.read(message)
        except (EventError, DataError) as error:
            return self._intake.take_malformed(came, str(error))
        return self._intake.take(came.source, events)

    def _commit(self) -> None:
        """Commit what is recorded, of each partition up to the first message that is not."""
        recorded = {
            place: list(itertools.takewhile(self._is_recorded, waiting))
            for place, waiting in self._waiting.items()
        }
        offsets = [
            TopicPartition(*place, ones[-1].offset + 1) for place, ones in recorded.items() if ones
        ]
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # While partitions move it may fail. It is tried again, or whoever has the partition
            # then finds the messages again, and their keys in the store.
            logger.warning("kafka: offsets are not committed yet: %s", _said(error))
            return
        for place, ones in recorded.items():
            for _ in ones:
                self._waiting[place].popleft()

    def _is_recorded(self, waiting: _Waiting) -> bool:
        try:
            states = [self._store.state(one.trigger, one.key) for one in waiting.taken]
        except StoreError as error:
            logger.error("offset %d is not committed yet: %s", waiting.offset, error)
            return False
        return not any(state in OPEN for state in states)

    def _hold(self) -> None:
        """Read no more while many messages wait.

        The client is told once: each time it is told, it throws away what it has fetched.
        """
        is_full = sum(map(len, self._waiting.values())) >= MOST_WAITING
        if is_full != self._holds:
            self._holds = is_full
            act = self._consumer.pause if is_full else self._consumer.resume
            act(self._consumer.assignment())

    def _assigned(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """Let `_hold` tell them anew: they may still be paused from when they were here before.

        The client assigns them itself, all at once or by and by as its strategy has it.
        """
        self._holds = None
        logger.info("kafka: %s came", _named(partitions))

    def _revoked(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._commit()
        self._forget(partitions)

    def _lost(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._forget(partitions)

    def _forget(self, partitions: Sequence[TopicPartition]) -> None:
        """Leave to whoever has them now what is not committed."""
        for one in partitions:
            self._waiting.pop((one.topic, one.partition), None)
        logger.info("kafka: %s went", _named(partitions))


def _message(received: Received) -> Message:
    _, milliseconds = received.timestamp()
    headers = [(str(header[0]), _bytes(header[1])) for header in received.headers() or ()]
    return Message(
        topic=str(received.topic()),
        partition=int(received.partition() or 0),
        offset=int(received.offset() or 0),
        time=milliseconds,
        key=_bytes(received.key()),
        value=_bytes(received.value()),
        headers=headers,
    )


def _named(partitions: Sequence[TopicPartition]) -> str:
    return ", ".join(sorted(f"{one.topic}/{one.partition}" for one in partitions)) or "nothing"


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""


def _said(error: object) -> str:
    cause = error.args[0] if isinstance(error, KafkaException) else error
    return cause.str() if isinstance(cause, KafkaError) else str(cause)
