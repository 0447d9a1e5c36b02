"""Properties of Kafka's client library, from a config and from the environment.

    bootstrap.servers: broker:9092         in the config's mapping `kafka`, as librdkafka names them
    KANARIA_KAFKA_SASL_PASSWORD=secret     the same names in the environment, over the config's:
                                           sasl.password; secrets stand there and nowhere else

Source: librdkafka 2.16, CONFIGURATION.md.
"""

import logging
from collections.abc import Mapping
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from kanaria.components.shared.errors import ParameterError

logger = logging.getLogger(__name__)
PREFIX = "KANARIA_KAFKA_"
SERVERS = "bootstrap.servers"
Client = TypeVar("Client", Consumer, Producer, AdminClient)


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
