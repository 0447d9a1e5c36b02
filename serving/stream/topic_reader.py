"""Reads the input topic as a member of a consumer group, and keeps the place in it.

A partition comes to this process for a tenure, and goes. What was read in a tenure that has ended
belongs to whoever has the partition now, so it is neither written nor committed here.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.kafka_client import client, reason
from kanaria.serving.stream.messages import Message
from kanaria.serving.stream.stream_metrics import Metrics

logger = logging.getLogger(__name__)
BROKER_SECONDS = 30.0
"""For a question to the broker."""
STRATEGY, PROTOCOL = "partition.assignment.strategy", "group.protocol"
DEFAULTS = {
    # A new group begins with what is there: a topic is scored whole, not from now on.
    "auto.offset.reset": "earliest",
}
FORBIDDEN = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
Partition = tuple[str, int]


def consumer_properties(written: Mapping[str, str], group: str) -> dict[str, Any]:
    """Return the properties of the consumer of a stream.

    Args:
        written: what the stream file says of clients; it wins.
        group: name of the group whose offsets are kept.
    """
    # Only what moves is interrupted when a process comes or goes.
    own = {} if PROTOCOL in written else {STRATEGY: "cooperative-sticky"}
    fixed = {"group.id": group, "enable.auto.commit": False, "enable.auto.offset.store": False}
    return {**DEFAULTS, **own, **written, **fixed}


class TopicReader:
    """The consumer of a stream; lives in one thread, in whose `poll` all callbacks run."""

    def __init__(self, properties: Mapping[str, Any], topic: str, metrics: Metrics) -> None:
        """Join the group with the first `poll`.

        Raises:
            ParameterError: a property is none.
        """
        self._topic, self._metrics = topic, metrics
        self._consumer = client(Consumer, {**properties, "on_commit": self._note_commit})
        self._tenures: dict[Partition, int] = {}
        self._begins: dict[Partition, int] = {}
        self._done: dict[Partition, int] = {}
        self._last_tenure, self._is_paused, self._has_new = 0, False, False
        self._metadata: Any = None

    def subscribe(self) -> None:
        """Ask for partitions."""
        self._consumer.subscribe(
            [self._topic],
            on_assign=lambda _, partitions: self._take(partitions),
            on_revoke=lambda _, partitions: self._give(partitions),
            on_lost=lambda _, partitions: self._lose(partitions),
        )

    def poll(self, seconds: float) -> Message | None:
        """Return the next message, None when none comes in time.

        Args:
            seconds: longest time to wait; callbacks of the group run in it.

        Raises:
            NotReadyError: the broker does not let this process read.
        """
        message = self._consumer.poll(seconds)
        if message is None:
            return None
        if error := message.error():
            if error.fatal() or error.code() in FORBIDDEN:
                raise NotReadyError(f"topic {self._topic}: {error.str()}")
            logger.warning("topic %s: %s", self._topic, error.str())
            return None
        return self._message(message)

    def _message(self, message: Any) -> Message | None:
        partition = (message.topic(), message.partition())
        tenure = self._tenures.get(partition, 0)
        if not tenure:
            return None
        self._begins.setdefault(partition, message.offset())
        return Message(
            topic=message.topic(),
            partition=message.partition(),
            offset=message.offset(),
            key=message.key(),
            value=message.value(),
            headers=tuple(message.headers() or ()),
            timestamp=max(message.timestamp()[1], 0) / 1000,
            tenure=tenure,
        )

    def is_ours(self, message: Message) -> bool:
        """Tell whether the tenure in which it was read still lasts."""
        return self._tenures.get((message.topic, message.partition)) == message.tenure

    def pause(self, paused: bool) -> None:
        """Let `poll` return no message, or again some; its callbacks run all the same.

        What was fetched beforehand is fetched anew after a pause, so a short one costs more than
        it gives.
        """
        if paused != self._is_paused or (paused and self._has_new):
            change = self._consumer.pause if paused else self._consumer.resume
            change(self._consumer.assignment())
            self._is_paused, self._has_new = paused, False

    @property
    def is_paused(self) -> bool:
        """Whether `poll` returns no message."""
        return self._is_paused

    @staticmethod
    def positions(messages: Iterable[Message]) -> dict[Partition, int]:
        """Return the offset behind the last of the messages, by partition.

        Args:
            messages: of any partitions, in the order in which they were read.
        """
        ends: dict[Partition, int] = {}
        for message in messages:
            ends[(message.topic, message.partition)] = message.offset + 1
        return ends

    def keep(self, positions: Mapping[Partition, int]) -> None:
        """Take note of what need not be read again; `commit` tells the broker.

        Args:
            positions: partition -> offset of the first message that is to be read again.
        """
        self._done.update(positions)

    def group_metadata(self) -> Any:
        """Return what a transaction tells the broker of this member of the group.

        It is that of the last assignment: a process that was frozen and has lost its partitions
        has none any more, and the broker would take a transaction of somebody who says nothing.
        """
        return self._metadata

    def commit(self, *, wait: bool = False) -> None:
        """Tell the broker what need not be read again.

        A commit that fails costs no message: it is told again, or the messages are read again.

        Args:
            wait: whether to return only when the broker has it.
        """
        done, self._done = self._done, {}
        if not done:
            return
        offsets = places(done)
        try:
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
                self._metrics.count_commit(committed=True)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            self._metrics.count_commit(committed=False)
            logger.warning("offsets are not committed: %s", reason(error))

    def _note_commit(self, error: KafkaError | None, offsets: Sequence[TopicPartition]) -> None:
        self._metrics.count_commit(committed=error is None)
        if error is None:
            return
        logger.warning("offsets are not committed: %s", error.str())
        for one in offsets:  # Unless a later one has been noted since.
            if (one.topic, one.partition) in self._tenures and one.offset > 0:
                self._done.setdefault((one.topic, one.partition), one.offset)

    def begin_again(self) -> bool:
        """Go back to what is committed; all that was read and not committed is read again.

        Returns:
            Whether the broker has told what is committed; else nothing that is read may be written.
        """
        assigned = self._consumer.assignment()
        self._metadata = self._consumer.consumer_group_metadata()
        self._tenures = {(one.topic, one.partition): self._next_tenure() for one in assigned}
        try:
            for one in self._consumer.committed(assigned, timeout=BROKER_SECONDS):
                begin = self._begins.get((one.topic, one.partition))
                offset = one.offset if one.offset >= 0 else begin
                if offset is not None:
                    self._consumer.seek(TopicPartition(one.topic, one.partition, offset))
        except KafkaException as error:
            logger.warning("what is committed is not known: %s", reason(error))
            return False
        return True

    def lags(self) -> dict[Partition, int]:
        """Return how many messages of each partition are not committed yet."""
        lags: dict[Partition, int] = {}
        try:
            for one in self._consumer.committed(self._consumer.assignment(), timeout=1.0):
                # While nothing is fetched, what the client knows of the end is old.
                low, high = self._consumer.get_watermark_offsets(
                    one, timeout=1.0, cached=not self._is_paused
                )
                if high >= 0:
                    lags[(one.topic, one.partition)] = high - max(one.offset, low, 0)
        except KafkaException as error:
            logger.warning("the lag is not known: %s", reason(error))
        return lags

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _next_tenure(self) -> int:
        self._last_tenure += 1
        return self._last_tenure

    def _take(self, partitions: Sequence[TopicPartition]) -> None:
        for one in partitions:
            partition = (one.topic, one.partition)
            self._tenures[partition] = self._next_tenure()
            self._begins.pop(partition, None)
        self._metadata = self._consumer.consumer_group_metadata()
        self._has_new = True  # They are not paused, whatever the others are.
        logger.info("partitions %s", sorted(number for _, number in self._tenures))

    def _give(self, partitions: Sequence[TopicPartition]) -> None:
        self.commit(wait=True)
        self._lose(partitions)

    def _lose(self, partitions: Sequence[TopicPartition]) -> None:
        for one in partitions:
            self._tenures.pop((one.topic, one.partition), None)
            self._done.pop((one.topic, one.partition), None)
        logger.info("partitions %s", sorted(number for _, number in self._tenures))


def places(positions: Mapping[Partition, int]) -> list[TopicPartition]:
    """Return positions as the client library takes them."""
    return [TopicPartition(topic, number, offset) for (topic, number), offset in positions.items()]
