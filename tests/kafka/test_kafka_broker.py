"""The broker of the tests keeps what it was sent, groups, and transactions, over its own death."""

from pathlib import Path

from broker import broker
from confluent_kafka import Producer
from kafka_topics import Topics


def test_messages_outlive_a_killed_broker(tmp_path: Path):
    with broker(tmp_path) as running:
        topics = Topics(running.address)
        topic = topics.new(partitions=2)
        topics.send(topic, [b"one", b"two", None])
        running.kill()
        running.start()
        values = {message.key(): message.value() for message in topics.read(topic)}
    assert values == {b"0": b"one", b"1": b"two", b"2": None}


def test_only_what_was_committed_in_a_transaction_is_read(topics: Topics):
    topic = topics.new()
    producer = Producer({"bootstrap.servers": topics.address, "transactional.id": topic})
    producer.init_transactions()
    for number in range(4):
        producer.begin_transaction()
        producer.produce(topic, str(number))
        producer.flush()
        (producer.commit_transaction if number % 2 else producer.abort_transaction)()
    assert [message.value() for message in topics.read(topic)] == [b"1", b"3"]
