"""Writes outcomes to their topics, at least once or exactly once.

at least once   an answer that the broker has acknowledged is noted; offsets are committed after
exactly once    answers and offsets are one transaction: readers with isolation.level
                read_committed, librdkafka's default, see both or neither

Sources: KIP-98, KIP-447 (a member of the group that was replaced cannot commit).
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.kafka_client import client, reason
from kanaria.serving.stream.messages import (
    DeadLetter,
    Letter,
    Outcome,
    TopicRules,
    letter,
    unwritable,
)
from kanaria.serving.stream.stream_metrics import Metrics
from kanaria.serving.stream.topic_reader import TopicReader, places

logger = logging.getLogger(__name__)
PER_MESSAGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD)
"""The broker does not take this message, whatever else it takes."""
FLUSH_SECONDS, CALL_SECONDS = 1.0, 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds after transactions in a row that came to nothing."""


class AbortedError(Exception):
    """A transaction came to nothing, or it is not known: what is committed says where to go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """Where outcomes go, and what each topic takes."""

    output: str
    dead_letters: str
    rules: Mapping[str, TopicRules]

    def letter(self, outcome: Outcome) -> Letter:
        """Return what is written of an outcome."""
        return letter(outcome, self.output, self.dead_letters, self.rules)


class Writer(Protocol):
    """What writes outcomes."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Return when the broker has them all, and note in the reader what need not be read again.

        Raises:
            AbortedError: none of them is there; begin again with what is committed.
            NotReadyError: the broker does not let this process write.
        """

    def close(self) -> None:
        """Give up what is under way."""


def producer_properties(written: Mapping[str, str], topics: Topics) -> dict[str, Any]:
    """Return the properties of the producer of a stream.

    Args:
        written: what the stream file says of clients; it wins.
        topics: where answers and dead letters go.
    """
    own = {
        "linger.ms": "0",  # A batch is handed over whole and then waited for.
        "compression.type": "lz4",
        # One takes less than a second; what a killed process left open holds up the next as long.
        "transaction.timeout.ms": "10000",
    }
    sizes = [one.most_bytes for one in topics.rules.values()]
    fixed = {
        "enable.idempotence": True,  # Tries of the library repeat nothing, and keep the order.
        # The broker refuses a whole set of messages that is larger than one message may be.
        "batch.size": min(sizes),
        "message.max.bytes": max(1_000_000, *sizes),
    }
    return {**own, **written, **fixed}


class _Sent:
    """The answers of the broker to a number of messages."""

    def __init__(self, count: int) -> None:
        self.count, self.errors = count, dict[int, KafkaError]()
        self.answered = 0

    def note(self, place: int) -> Callable[[KafkaError | None, Any], None]:
        def noted(error: KafkaError | None, _: Any) -> None:
            self.answered += 1
            if error is not None:
                self.errors[place] = error

        return noted


def _send(producer: Producer, letters: Sequence[Letter], stopped: Callable[[], bool]) -> _Sent:
    """Send messages and wait for the broker's answer to each.

    Raises:
        NotReadyError: the library takes no message any more, or the stream is to stop.
    """
    sent = _Sent(len(letters))
    try:
        for place, one in enumerate(letters):
            _produce(producer, one, sent, place)
    except KafkaException as error:
        raise NotReadyError(f"nothing can be written: {reason(error)}") from error
    while sent.answered < sent.count:
        producer.flush(FLUSH_SECONDS)
        if sent.answered < sent.count and stopped():
            raise NotReadyError("the broker does not answer; the messages will be read again")
    return sent


def _produce(producer: Producer, one: Letter, sent: _Sent, place: int) -> None:
    noted = sent.note(place)
    while True:
        try:
            producer.produce(
                one.topic,
                value=one.value,
                key=one.key,
                headers=list(one.headers),
                on_delivery=noted,
            )
            return
        except BufferError:
            producer.poll(FLUSH_SECONDS)
        except KafkaException as error:
            if error.args[0].code() not in PER_MESSAGE:
                raise
            noted(error.args[0], None)
            return


def _give_up(producer: Producer) -> None:
    producer.purge()
    try:
        producer.flush(FLUSH_SECONDS)
    except KafkaException as error:  # So of one that another has shut out; nothing of it is left.
        logger.info("a producer has ended: %s", reason(error))


def _mended(outcomes: Sequence[Outcome], errors: Mapping[int, KafkaError]) -> list[Outcome]:
    """Return outcomes whose refused answers are dead letters now.

    Raises:
        NotReadyError: an error is none of a single message, or a dead letter is refused.
    """
    mended = list(outcomes)
    for place, error in errors.items():
        outcome = outcomes[place]
        if error.code() not in PER_MESSAGE or isinstance(outcome, DeadLetter):
            raise NotReadyError(f"{outcome.message.place}: cannot be written: {error.str()}")
        mended[place] = unwritable(outcome, error.str())
    return mended


class PlainWriter:
    """Writes at least once."""

    def __init__(
        self,
        properties: Mapping[str, Any],
        topics: Topics,
        reader: TopicReader,
        metrics: Metrics,
        stopped: Callable[[], bool],
    ) -> None:
        """Connect with the first message.

        Args:
            properties: of the producer.
            topics: where outcomes go.
            reader: keeps the place.
            metrics: counts.
            stopped: tells whether a broker that does not answer is not to be waited for.

        Raises:
            ParameterError: a property is none.
        """
        # Without end: what waits for a broker that is away keeps its order.
        self._producer = client(Producer, {**properties, "message.timeout.ms": 0})
        self._topics, self._reader, self._metrics = topics, reader, metrics
        self._stopped = stopped

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write; see `Writer`."""
        left, written = list(outcomes), list(outcomes)
        while left:
            sent = _send(self._producer, [self._topics.letter(one) for one in left], self._stopped)
            mended = _mended(left, sent.errors)
            left = [mended[place] for place in sent.errors]
            by_place = {one.message.place: one for one in left}
            written = [by_place.get(one.message.place, one) for one in written]
        self._metrics.count_written(written)
        self._reader.keep(self._reader.positions(one.message for one in outcomes))

    def close(self) -> None:
        """Give up what is under way."""
        _give_up(self._producer)


class TransactionWriter:
    """Writes exactly once."""

    def __init__(
        self,
        properties: Mapping[str, Any],
        topics: Topics,
        reader: TopicReader,
        metrics: Metrics,
        stopped: Callable[[], bool],
    ) -> None:
        """Begin, and end what another process of the same transactional.id left; see `PlainWriter`.

        Raises:
            ParameterError: a property is none.
            NotReadyError: the broker does not answer, or refuses.
        """
        self._properties, self._topics, self._reader = properties, topics, reader
        self._metrics, self._stopped, self._aborts = metrics, stopped, 0
        self._producer = self._begun()

    def _begun(self) -> Producer:
        producer = client(Producer, self._properties)
        while True:
            try:
                producer.init_transactions(CALL_SECONDS)
                return producer
            except KafkaException as error:
                text = f"transactions cannot begin: {reason(error)}"
                if self._stopped() or not error.args[0].retriable():
                    raise NotReadyError(text) from error
                logger.warning("%s; it is tried again", text)

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write; see `Writer`."""
        mended: Sequence[Outcome] = outcomes
        while True:
            errors = self._transaction(mended)
            if not errors:
                break
            mended = _mended(mended, errors)
        self._aborts = 0
        self._metrics.count_written(mended)
        self._metrics.count_commit(committed=True)

    def _transaction(self, outcomes: Sequence[Outcome]) -> Mapping[int, KafkaError]:
        """Commit one transaction; return errors of single messages, of which nothing is there."""
        sent = _Sent(len(outcomes))
        try:
            self._producer.begin_transaction()
            for place, one in enumerate(outcomes):
                _produce(self._producer, self._topics.letter(one), sent, place)
            if not sent.errors:
                # It sends what waits, and fails where a message does. To wait for the messages
                # before might be for ever: after an error of the transaction none is answered.
                self._commit(places(self._reader.positions(one.message for one in outcomes)))
                return {}
            error = KafkaException(next(iter(sent.errors.values())))
            self._producer.abort_transaction(CALL_SECONDS)
        except KafkaException as raised:
            error = raised
            self._abort(error)
        return self._refused(sent.errors, error)

    def _commit(self, positions: list[TopicPartition]) -> None:
        metadata = self._reader.group_metadata()
        self._producer.send_offsets_to_transaction(positions, metadata, CALL_SECONDS)
        self._producer.commit_transaction(CALL_SECONDS)

    def _refused(
        self, errors: Mapping[int, KafkaError], error: KafkaException
    ) -> Mapping[int, KafkaError]:
        """Return the errors of single messages; what failed because of them is left out."""
        own = {place: one for place, one in errors.items() if one.code() in PER_MESSAGE}
        if own:
            return own
        self._metrics.count_commit(committed=False)
        logger.warning("transaction: %s; its messages are read again", reason(error))
        time.sleep(min(FIRST_PAUSE * 2 ** min(self._aborts, 20), LONGEST_PAUSE))
        self._aborts += 1
        raise AbortedError(reason(error)) from error

    def _abort(self, error: KafkaException) -> None:
        """End the transaction, by another producer where this one cannot.

        No call is tried again where it failed: a second one may not come back (librdkafka 2.16,
        send_offsets_to_transaction after a broker has started anew). Another producer of the same
        transactional.id ends what is open, whichever way the broker has begun to.
        """
        try:
            if error.args[0].txn_requires_abort():
                self._producer.abort_transaction(CALL_SECONDS)
                return
        except KafkaException as another:
            logger.warning("transaction: %s; another producer takes its place", reason(another))
        self.close()
        self._producer = self._begun()

    def close(self) -> None:
        """Give up what is under way."""
        _give_up(self._producer)
