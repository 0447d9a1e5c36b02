"""Properties of Kafka's client library, from a config and from the environment.

    bootstrap.servers: broker:9092         in the config's mapping `kafka`, as librdkafka names them
    KANARIA_KAFKA_SASL_PASSWORD=secret     the same names in the environment, over the config's:
                                           sasl.password

Source: librdkafka 2.16, CONFIGURATION.md.
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError

FILES = (
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.keystore.location",
    "ssl.crl.location",
    "sasl.kerberos.keytab",
)
"""Properties that name a file, or a folder of certificates."""
PROBE = "probe"
"""Value of `ssl.ca.location` with which the client looks for the machine's own certificates."""
AGAIN_SECONDS = 60.0
"""Before what the client says is logged again: it says each of its tries, dozens a second."""
MOST_LINES = 200
"""Lines that are remembered for it."""
SINCE = re.compile(r" \(after [^()]*\)$")
"""How long something has taken, at the end of a line."""
PREFIX = "KANARIA_KAFKA_"
SERVERS, PROTOCOL = "bootstrap.servers", "security.protocol"
Client = TypeVar("Client", Consumer, Producer, AdminClient)


class _Repeats(logging.Filter):
    """Lets a line pass that was not logged just now."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        line = SINCE.sub("", record.getMessage())
        if record.created - self._logged.get(line, 0.0) < AGAIN_SECONDS:
            return False
        if len(self._logged) >= MOST_LINES:
            self._logged.clear()
        self._logged[line] = record.created
        return True


logger = logging.getLogger(__name__)
"""What clients say. It comes when they are polled, an AdminClient too."""
logger.addFilter(_Repeats())


class LastError:
    """What a client said last of why it is not connected; its property `error_cb`."""

    def __init__(self) -> None:
        """Know of none."""
        self.text = ""

    def __call__(self, error: KafkaError) -> None:
        """Note an error; that all brokers are down says nothing of why."""
        if error.name() != "_ALL_BROKERS_DOWN":
            self.text = SINCE.sub("", error.str())


def check_files(settings: Mapping[str, Any], faults: Faults) -> None:
    """Add a fault for each property that names a file which is not there."""
    for name in FILES:
        path = settings.get(name)
        is_there = not path or path == PROBE or Path(path).exists()
        faults.check(is_there, name, path, "there is no such file")


def properties(written: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of a client.

    Args:
        written: in the config; numbers and booleans are written as librdkafka reads them.
        environment: of the process; KANARIA_KAFKA_A_B is a.b.
    """
    plain = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in written.items()
    }
    from_environment = {
        name.removeprefix(PREFIX).lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    return plain | from_environment


def client(kind: type[Client], settings: Mapping[str, Any]) -> Client:
    """Return a client, which connects by itself; what it says goes to the log.

    Raises:
        ParameterError: there is no such property, or a value is none of its.
    """
    try:
        return kind({"client.id": "kanaria", **settings}, logger=logger)
    except KafkaException as error:
        raise ParameterError(
            f"kafka: {reason(error)}; see librdkafka's CONFIGURATION.md"
        ) from error


def reason(error: KafkaException) -> str:
    """Return what an error says, without its code's number."""
    first = error.args[0]
    return str(first.str() if isinstance(first, KafkaError) else first)
