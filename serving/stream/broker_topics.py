"""The topics of a stream, as the broker tells of them."""

import logging
from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from kanaria.serving.kafka_client import reason

logger = logging.getLogger(__name__)
USUAL_BYTES = 1_000_000
"""Of a message, where the broker does not tell."""
SETTING = "max.message.bytes"
QUESTION_SECONDS = 10.0


def missing(admin: AdminClient, topics: Sequence[str]) -> list[str]:
    """Return which of the topics the broker does not have.

    Raises:
        KafkaException: nobody answers.
    """
    present = admin.list_topics(timeout=QUESTION_SECONDS).topics
    return [topic for topic in topics if topic not in present]


def most_bytes(admin: AdminClient, topics: Sequence[str]) -> dict[str, int]:
    """Return how many bytes a message of each topic may have; a usual number where not told."""
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    limits = dict.fromkeys(topics, USUAL_BYTES)
    for resource, future in admin.describe_configs(resources).items():
        try:
            limits[resource.name] = int(future.result(QUESTION_SECONDS)[SETTING].value)
        except KafkaException as error:
            text = "%s of topic %s is not told (%s); %d bytes are taken for it"
            logger.warning(text, SETTING, resource.name, reason(error), USUAL_BYTES)
    return limits
