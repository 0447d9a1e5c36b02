"""The topics of a stream, as the broker tells of them."""

import logging
from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from kanaria.serving.kafka_client import reason
from kanaria.serving.stream.messages import TopicRules

logger = logging.getLogger(__name__)
USUAL_BYTES = 1_000_000
"""Of a message, where the broker does not tell."""
SIZE, POLICY = "max.message.bytes", "cleanup.policy"
QUESTION_SECONDS = 10.0


def missing(admin: AdminClient, topics: Sequence[str]) -> list[str]:
    """Return which of the topics the broker does not have.

    Raises:
        KafkaException: nobody answers.
    """
    present = admin.list_topics(timeout=QUESTION_SECONDS).topics
    return [topic for topic in topics if topic not in present]


def rules(admin: AdminClient, topics: Sequence[str]) -> dict[str, TopicRules]:
    """Return what each topic takes; what is usual where the broker does not tell."""
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    usual = TopicRules(most_bytes=USUAL_BYTES)
    topic_rules = dict.fromkeys(topics, usual)
    for resource, future in admin.describe_configs(resources).items():
        try:
            settings = future.result(QUESTION_SECONDS)
        except KafkaException as error:
            text = "settings of topic %s are not told (%s); the usual ones are taken for them"
            logger.warning(text, resource.name, reason(error))
            continue
        topic_rules[resource.name] = TopicRules(
            most_bytes=int(settings[SIZE].value), needs_key="compact" in settings[POLICY].value
        )
    return topic_rules
