"""The file of a stream: what is taken, and what is refused at once."""

import pytest

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.kafka_client import logger, properties
from kanaria.serving.stream.run_stream import client_properties
from kanaria.serving.stream.stream_file import Delivery, read

FILE = {
    "group": "g",
    "kafka": {"bootstrap.servers": "broker:9092", "enable.ssl.certificate.verification": False},
    "topics": {"input": "a", "output": "b", "dead_letters": "c"},
    "model": {"name": "m"},
}


@pytest.fixture
def written(tmp_path):
    def write(**changes):
        path = tmp_path / "stream.yaml"
        path.write_text(yaml_text.dump({**FILE, **changes}))
        return path

    return write


def test_a_file_of_what_must_be_named_has_defaults(written):
    stream = read(written())
    assert (stream.batch.messages, stream.model.requests, stream.model.protocol) == (64, 4, "v1")
    assert stream.delivery is Delivery.AT_LEAST_ONCE


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"topics": {**FILE["topics"], "output": "a"}}, "name three different topics"),
        ({"topics": {**FILE["topics"], "input": "a b"}}, "topics.input='a b'"),
        ({"topics": {"input": "a", "output": "b"}}, "topics.dead_letters is missing"),
        ({"batch": {"messages": 0, "seconds": 1}}, "batch.messages=0"),
        ({"batch": {"messages": 0, "seconds": 1}}, "batch.seconds=1: there is no such key"),
        ({"model": {"name": "m", "url": "broker:80"}}, "model.url='broker:80'"),
        ({"delivery": "at_most_once"}, "delivery='at_most_once'"),
        ({"kafka": {"enable.auto.commit": True}}, "kafka.enable.auto.commit: the stream sets"),
    ],
)
def test_what_is_wrong_is_named_with_its_value(written, changes, said):
    with pytest.raises(ParameterError) as refused:
        read(written(**changes))
    assert said in str(refused.value)


def test_a_secret_never_stands_in_the_file_nor_in_the_error(written):
    kafka = FILE["kafka"] | {"sasl.password": "swordfish", "ssl.key.password": "swordfish"}
    places = {"ssl.key.pem": {"env": "A", "file": "b"}}
    for secrets, said in (
        ({}, "kafka.ssl.key.password is a secret: name where it is in secrets"),
        (places, "name either env or file"),
        ({"bootstrap.servers": {"env": "A"}}, "kafka.bootstrap.servers stands in secrets too"),
    ):
        with pytest.raises(ParameterError, match=said) as refused:
            read(written(kafka=kafka, secrets=secrets))
        assert "swordfish" not in str(refused.value)


def test_secrets_and_files_that_are_not_there_are_named_together(written, tmp_path):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "good").write_text(" two words \r\n")
    secrets = {
        "sasl.password": {"env": "NOT_SET"},
        "ssl.key.password": {"file": str(tmp_path / "empty")},
        "ssl.key.pem": {"file": str(tmp_path / "none")},
        "sasl.username": {"file": str(tmp_path / "good")},
    }
    kafka = FILE["kafka"] | {"ssl.ca.location": "/none/ca.pem", "ssl.crl.location": str(tmp_path)}
    stream = read(written(secrets=secrets, kafka=kafka))
    with pytest.raises(ParameterError) as refused:
        client_properties(stream, {})
    for said in (
        "secrets.sasl.password.env='NOT_SET': there is no such variable",
        "empty': it is empty; write the secret there",
        "none': No such file or directory; write the secret there",
        "ssl.ca.location='/none/ca.pem': there is no such file",
    ):
        assert said in str(refused.value)
    assert "crl" not in str(refused.value)
    username = {"sasl.username": secrets["sasl.username"]}
    stream = read(written(secrets=username))
    assert client_properties(stream, {})["sasl.username"] == " two words "


def test_what_a_client_says_again_and_again_is_logged_once(caplog):
    line = "FAIL [x]: broker:9092: Disconnected (after %dms in state APIVERSION_QUERY)"
    with caplog.at_level("INFO"):
        for milliseconds in range(100):
            logger.error(line, milliseconds)
        logger.error("another")
    assert len(caplog.records) == 2


def test_the_environment_stands_over_the_file():
    environment = {"KANARIA_KAFKA_SASL_PASSWORD": "b", "KAFKA_SASL_USERNAME": "c", "PATH": "/"}
    merged = properties({"sasl.password": "a", "ssl.x": True, "n": 5}, environment)
    assert merged == {"sasl.password": "b", "ssl.x": "true", "n": "5"}


def test_exactly_once_has_a_name_of_its_own_or_the_one_that_is_named(written):
    once = read(written(delivery="exactly_once"))
    names = {client_properties(once, {})["transactional.id"] for _ in range(2)}
    assert len(names) == 2
    pod = {"KANARIA_KAFKA_TRANSACTIONAL_ID": "pod"}
    assert client_properties(once, pod)["transactional.id"] == "pod"
    assert "transactional.id" not in client_properties(read(written()), pod)


def test_a_transactional_id_without_transactions_and_no_broker_are_refused_together(written):
    stream = read(written(kafka={"transactional.id": "a"}))
    with pytest.raises(ParameterError) as refused:
        client_properties(stream, {})
    assert "bootstrap.servers is missing" in str(refused.value)
    assert "set delivery: exactly_once" in str(refused.value)
