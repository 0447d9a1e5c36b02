"""Topics of a broker as tests make, fill and read them."""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

PATIENCE = 120
"""Seconds; a bound, not a measure."""


def until(holds: Callable[[], object]) -> object:
    """Return what a function returns, once it is true."""
    end = time.monotonic() + PATIENCE
    while not (value := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


class Topics:
    """What makes, fills and reads topics at one address."""

    def __init__(self, address: str) -> None:
        """Connect with the first call."""
        self.address = address
        self._admin = AdminClient({"bootstrap.servers": address})

    def new(self, partitions: int = 1, name: str = "", **settings: str) -> str:
        """Make a topic and return its name; `cleanup_policy` is written for `cleanup.policy`."""
        name = name or f"topic-{uuid.uuid4().hex[:8]}"
        config = {key.replace("_", "."): value for key, value in settings.items()}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=config)
        for future in self._admin.create_topics([topic]).values():
            future.result()
        until(lambda: name in self._admin.list_topics(timeout=PATIENCE).topics)
        return name

    def send(
        self,
        topic: str,
        values: Iterable[bytes | None],
        key: Callable[[int], bytes | None] = lambda number: str(number).encode(),
        headers: Sequence[tuple[str, bytes | None]] = (),
        partition: int | None = None,
    ) -> None:
        """Send one message a value, in order; `key` gets the number of the message."""
        producer = Producer({"bootstrap.servers": self.address, "enable.idempotence": True})
        where: dict[str, Any] = {} if partition is None else {"partition": partition}
        for number, value in enumerate(values):
            while True:
                try:
                    producer.produce(
                        topic, value=value, key=key(number), headers=list(headers), **where
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(PATIENCE) == 0

    def read(self, topic: str, count: int | None = None, **settings: str) -> list[Message]:
        """Return the messages of a topic that are committed: all that are there, or `count`."""
        config = {
            "bootstrap.servers": self.address,
            "group.id": f"reader-{uuid.uuid4().hex}",
            "isolation.level": "read_committed",
            "enable.auto.commit": "false",
            "auto.offset.reset": "earliest",
            "enable.partition.eof": "true",
            **settings,
        }
        consumer = Consumer(config)
        partitions = self._partitions(topic)
        consumer.assign(partitions)
        messages: list[Message] = []
        ended: set[int] = set()
        end = time.monotonic() + PATIENCE
        while len(messages) < count if count is not None else len(ended) < len(partitions):
            assert time.monotonic() < end, f"{len(messages)} of {count} messages of {topic}"
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                ended.add(message.partition() or 0)
            else:
                messages.append(message)
        consumer.close()
        return messages

    def _partitions(self, topic: str) -> list[TopicPartition]:
        partitions = self._admin.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
        return [TopicPartition(topic, one, 0) for one in partitions]

    def committed(self, group: str, topic: str) -> Mapping[int, int]:
        """Return the offsets that a group has committed, by partition; -1001 for none."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": group})
        while True:
            try:
                offsets = consumer.committed(self._partitions(topic), timeout=PATIENCE)
                break
            except KafkaException as error:  # So for a while after a broker has started.
                assert error.args[0].code() == KafkaError.NOT_COORDINATOR
        consumer.close()
        return {one.partition: one.offset for one in offsets}

    def sizes(self, topic: str) -> list[int]:
        """Return how many places each partition of a topic has; markers of transactions count."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": "sizes"})
        ends = [consumer.get_watermark_offsets(one)[1] for one in self._partitions(topic)]
        consumer.close()
        return ends

    def wait_for_size(self, topic: str, places: int) -> None:
        """Wait until a topic has more than so many places."""
        until(lambda: sum(self.sizes(topic)) > places)

    def wait_for_commits(self, group: str, topic: str, count: int) -> None:
        """Wait until a group has committed so many messages of a topic."""
        until(lambda: sum(max(one, 0) for one in self.committed(group, topic).values()) == count)
