"""Messages that come in, and what each becomes: an answer, or a dead letter with its reason. Pure.

All that goes out has the key and the headers of the message it comes from, in their order, and
behind them headers of our own, all of them text:

kanaria-source       topic/partition/offset of the message: a reader drops repeated ones by it
kanaria-request-id   X-Request-Id of the request that the model answered: labels are joined by it
kanaria-row          place of the message in that request, from 0
kanaria-revision     the revision that answered, where the server says it
kanaria-reason       of a dead letter: one of `Reason`
kanaria-error        of a dead letter: what is wrong, in words
kanaria-status       of a dead letter: HTTP status of the model's answer, where there is one
kanaria-left-out     of a dead letter: bytes of its value, where that does not fit into the topic

Headers of these names that a message has already, as one that was a dead letter, are taken away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kanaria.serving.protocol.body_limits import BoundError, check_json
from kanaria.serving.protocol.json_body import RequestError, parsed

Header = tuple[str, bytes | None]
OWN = "kanaria-"
"""How headers of ours begin."""
RECORD_BYTES = 200
"""More than a record takes beside its key, value and headers, on its way and in the log."""


class Reason(StrEnum):
    """Why a message is a dead letter.

    NULL_VALUE       a tombstone: it has no value
    MALFORMED        its value is no JSON, or no row
    TOO_LARGE        its value, or a request of it alone, is larger than is taken
    REFUSED          the model refuses it: 400 or 422
    MODEL_FAILED     the model fails on it again and again, and answers others meanwhile
    UNUSABLE_ANSWER  the model's answer is no answer to one row
    UNWRITABLE       its answer does not fit into the output topic
    """

    NULL_VALUE = "null_value"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    MODEL_FAILED = "model_failed"
    UNUSABLE_ANSWER = "unusable_answer"
    UNWRITABLE = "unwritable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message as it was read.

    Attributes:
        topic: it was read from, as are partition and offset.
        key: None for none.
        value: None for a tombstone.
        headers: in their order; names may repeat.
        timestamp: seconds since 1970, 0 where there is none.
        tenure: number of the assignment of its partition to this process.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp: float = 0.0
    tenure: int = 0

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition and offset, which no other message has."""
        return self.topic, self.partition, self.offset


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A message that the model has answered.

    Attributes:
        value: the answer, JSON in UTF-8.
        facts: of the answer, by header.
    """

    message: Message
    value: bytes
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message that has no answer.

    Attributes:
        why: one line.
        status: of HTTP, 0 where the model was not asked or did not answer.
    """

    message: Message
    reason: Reason
    why: str
    status: int = 0


Outcome = Scored | DeadLetter


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A message that can be asked: its value as it came, and as it reads."""

    message: Message
    text: bytes
    value: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicRules:
    """What a topic takes.

    Attributes:
        most_bytes: of a message.
        needs_key: whether it takes no message without a key, as compacted topics do.
    """

    most_bytes: int
    needs_key: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """What is written to a topic."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]

    @property
    def size(self) -> int:
        """Bytes that it takes, at most."""
        headers = sum(len(name.encode()) + len(value or b"") + 10 for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + RECORD_BYTES


def read(message: Message) -> Row | DeadLetter:
    """Return the row that a message holds, or why it holds none."""
    if message.value is None:
        why = "the message has no value: a tombstone of a compacted topic"
        return DeadLetter(message=message, reason=Reason.NULL_VALUE, why=why)
    try:
        check_json(message.value)
        return Row(message=message, text=message.value, value=parsed(message.value))
    except BoundError as error:
        return DeadLetter(message=message, reason=Reason.TOO_LARGE, why=str(error))
    except RequestError as error:
        return DeadLetter(message=message, reason=Reason.MALFORMED, why=str(error))


def unwritable(outcome: Outcome, why: str) -> DeadLetter:
    """Return the dead letter of a message whose answer the output topic does not take.

    Args:
        outcome: the answer that was not taken.
        why: one line, in words.
    """
    return DeadLetter(message=outcome.message, reason=Reason.UNWRITABLE, why=why)


def letter(
    outcome: Outcome, output: str, dead_letters: str, rules: Mapping[str, TopicRules]
) -> Letter:
    """Return what is written of an outcome; what its topic does not take is a dead letter.

    Args:
        outcome: of one message.
        output: topic of the answers.
        dead_letters: topic of all else; it takes messages without a key.
        rules: of both topics, by name.
    """
    message = outcome.message
    source = f"{message.topic}/{message.partition}/{message.offset}"
    headers = tuple(one for one in message.headers if not one[0].startswith(OWN))
    headers += ((f"{OWN}source", source.encode()),)
    if isinstance(outcome, Scored):
        facts = tuple((name, value.encode()) for name, value in outcome.facts.items())
        answer = Letter(topic=output, key=message.key, value=outcome.value, headers=headers + facts)
        why = _refusal(answer, rules[output])
        if not why:
            return answer
        outcome = unwritable(outcome, why)
    headers = (*headers, *_described(outcome))
    dead = Letter(topic=dead_letters, key=message.key, value=message.value, headers=headers)
    if dead.size <= rules[dead_letters].most_bytes:
        return dead
    left_out = (f"{OWN}left-out", str(len(message.value or b"")).encode())
    return Letter(topic=dead_letters, key=message.key, value=None, headers=(*headers, left_out))


def _refusal(answer: Letter, rules: TopicRules) -> str:
    """Return why a topic does not take an answer, or "".

    The broker would say so too, but of a set of messages, and librdkafka asks again without end.
    """
    if answer.key is None and rules.needs_key:
        return f"{answer.topic} is compacted: it takes no message without a key"
    if answer.size > rules.most_bytes:
        return f"its answer takes {answer.size} bytes, {answer.topic} takes {rules.most_bytes}"
    return ""


def _described(dead: DeadLetter) -> tuple[Header, ...]:
    described: tuple[Header, ...] = (
        (f"{OWN}reason", dead.reason.value.encode()),
        (f"{OWN}error", dead.why.encode("utf-8", "backslashreplace")),
    )
    return (*described, (f"{OWN}status", str(dead.status).encode())) if dead.status else described
