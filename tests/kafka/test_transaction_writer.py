"""A writer of transactions whose producer another one has shut out goes on with a new one."""

from contextlib import closing

import pytest
from kafka_topics import Topics, until

from kanaria.serving.stream.answer_writer import (
    AbortedError,
    TransactionWriter,
    producer_properties,
)
from kanaria.serving.stream.answer_writer import Topics as Written
from kanaria.serving.stream.messages import Message, Scored, TopicRules
from kanaria.serving.stream.stream_metrics import Metrics
from kanaria.serving.stream.topic_reader import TopicReader, consumer_properties


def test_what_was_shut_out_is_aborted_and_the_next_transaction_is_whole(topics: Topics):
    source, output, dead = topics.new(), topics.new(), topics.new()
    topics.send(source, [b"1"])
    rules = TopicRules(most_bytes=1_000_000)
    written = Written(output=output, dead_letters=dead, rules={output: rules, dead: rules})
    address = {"bootstrap.servers": topics.address}
    metrics = Metrics()
    reading = consumer_properties(address, f"group-{source}")
    writing = producer_properties({**address, "transactional.id": f"id-{source}"}, written)
    with closing(TopicReader(reading, source, metrics)) as reader:
        reader.subscribe()
        message = until(lambda: reader.poll(0.5))
        assert isinstance(message, Message)
        answer = Scored(message=message, value=b"2")
        rest = (written, reader, metrics, lambda: False)
        with closing(TransactionWriter(writing, *rest)) as first:
            with closing(TransactionWriter(writing, *rest)), pytest.raises(AbortedError):
                first.write([answer])
            assert topics.read(output) == []
            first.write([answer])
    assert [one.value() for one in topics.read(output)] == [b"2"]
    assert topics.committed(f"group-{source}", source) == {0: 1}
