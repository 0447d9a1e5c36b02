"""Streams and triggers that present a password or a certificate to a real broker."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trigger_toy
from broker import Broker, broker
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka_topics import Topics, until
from kfp import compiler
from stream_process import config, row
from trigger_process import running

USER, PASSWORD = "scoring", "sword fish#1"
KEY_PASSWORD = "of-the-key"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
PROTOCOLS = ("SASL_PLAINTEXT", "SASL_SSL", "SSL")


def openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def certificate(folder: Path, name: str, subject: str, *more: str) -> None:
    """Make a key and a certificate that the folder's authority has signed."""
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", f"/CN={subject}"),
        *("-keyout", f"{name}.key", "-out", f"{name}.crt", *more),
        folder=folder,
    )


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, the broker's key and certificate, a client's with a password on the key."""
    folder = tmp_path_factory.mktemp("keys")
    certificate(folder, "authority", "authority")
    signed = ("-CA", "authority.crt", "-CAkey", "authority.key")
    certificate(folder, "broker", "broker", *signed, "-addext", "subjectAltName=IP:127.0.0.1")
    certificate(folder, "client", USER, *signed)
    certificate(folder, "stranger", "stranger")
    encrypted = ("pkcs8", "-topk8", "-in", "client.key", "-out", "client.pem")
    openssl(*encrypted, "-passout", f"pass:{KEY_PASSWORD}", folder=folder)
    pair = (folder / "broker.key").read_text() + (folder / "broker.crt").read_text()
    (folder / "broker.pem").write_text(pair)
    return folder


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[Broker]:
    """A broker that asks for a password, or for a client's certificate."""
    mechanisms = {"PLAIN": f'{PLAIN} required user_{USER}="{PASSWORD}";', "SCRAM-SHA-512": SCRAM}
    settings = {
        "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": mechanisms["PLAIN"],
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
        "listener.name.ssl.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keys / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(keys / "authority.crt"),
    }
    with broker(tmp_path_factory.mktemp("secure"), settings, PROTOCOLS) as running:
        admin = AdminClient({"bootstrap.servers": running.address})
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        user = UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
        for future in admin.alter_user_scram_credentials([user]).values():
            future.result()
        yield running


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return path


def by_password(secure: Broker, keys: Path) -> dict[str, str]:
    return {
        "bootstrap.servers": secure.addresses["SASL_SSL"],
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": USER,
        "ssl.ca.location": str(keys / "authority.crt"),
    }


def by_certificate(secure: Broker, keys: Path) -> dict[str, str]:
    return {
        "bootstrap.servers": secure.addresses["SSL"],
        "security.protocol": "SSL",
        "ssl.ca.location": str(keys / "authority.crt"),
        "ssl.certificate.location": str(keys / "client.crt"),
        "ssl.key.location": str(keys / "client.pem"),
    }


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_a_stream_with_a_password_and_one_with_a_certificate_answer(
    secure: Broker, keys: Path, password_file: Path, started, monkeypatch, delivery: str
):
    monkeypatch.setenv("OF_THE_KEY", KEY_PASSWORD)
    topics = Topics(secure.address)
    ways = {
        "sasl.password": ({"file": str(password_file)}, by_password(secure, keys)),
        "ssl.key.password": ({"env": "OF_THE_KEY"}, by_certificate(secure, keys)),
    }
    for name, (place, kafka) in ways.items():
        settings = config(topics, {"name": "adder-v1"}, delivery=delivery, kafka=kafka)
        stream = started({**settings, "secrets": {name: place}})
        topics.send(settings["topics"]["input"], map(row, range(1, 10)))
        answers = topics.read(settings["topics"]["output"], 9)
        assert len({one.key() for one in answers}) == 9
        assert stream.end() == 143
        assert PASSWORD not in stream.said
        assert KEY_PASSWORD not in stream.said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sasl.username": "nobody"}, "SASL authentication error: Authentication failed"),
        ({"ssl.ca.location": "stranger.crt"}, "certificate verify failed"),
        ({"security.protocol": "SASL_PLAINTEXT"}, "by security.protocol=SASL_PLAINTEXT: "),
    ],
)
def test_a_stream_that_is_not_let_in_says_why_where_it_is_asked(
    secure: Broker, keys: Path, password_file: Path, started, changes, said: str
):
    kafka = by_password(secure, keys) | changes
    kafka["ssl.ca.location"] = str(keys / Path(kafka["ssl.ca.location"]).name)
    settings = config(Topics(secure.address), {"name": "adder-v1"}, kafka=kafka)
    stream = started({**settings, "secrets": {"sasl.password": {"file": str(password_file)}}})
    url = f"{stream.url}/readyz"
    until(lambda: said in httpx.get(url).text)


def test_a_trigger_server_presents_its_password(
    secure: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    topics = Topics(secure.address)
    topic = topics.new()
    compiler.Compiler().compile(trigger_toy.announcing, str(tmp_path / "announcing.yaml"))
    file = tmp_path / "triggers.yaml"
    file.write_text(
        f"runs: {{where: here, root: '{tmp_path}/own'}}\n"
        f"kafka: {{bootstrap_servers: '{secure.addresses['SASL_PLAINTEXT']}', settings:\n"
        f"  {{security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN, sasl.username: {USER}}},\n"
        "  secrets: {sasl.password: {env: OF_KAFKA}}}\n"
        f"triggers: [{{name: announce, when: [{{topic: {topic}}}],\n"
        "  start: {pipeline: announcing.yaml}}]\n"
    )
    topics.send(topic, [b"{}"])
    with running(file, str(tmp_path / "triggers.sqlite"), OF_KAFKA=PASSWORD) as server:
        (event,) = server.settled()
    assert event["state"] == "succeeded"
    monkeypatch.setenv("OF_KAFKA", "another")
    with running(file, str(tmp_path / "triggers.sqlite")) as server:
        assert "Authentication failed" in server.said("SASL authentication error: ")
