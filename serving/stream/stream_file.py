"""What a stream does, from a YAML file.

group: flights-scoring              # consumer group: processes of one stream share it
kafka:                              # properties of the client library, as librdkafka names them
  bootstrap.servers: broker:9092
secrets: {sasl.password: {env: KAFKA_PASSWORD}}   # or {file: PATH}; without SASL leave it out
topics: {input: flights, output: flights-scored, dead_letters: flights-dead}
model: {name: flights-delay, url: http://flights-delay.team.example.com}
batch: {messages: 64, milliseconds: 20}
delivery: at_least_once             # or exactly_once
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.config.validation import add_invalid
from kanaria.serving import kafka_secrets
from kanaria.serving.kafka_secrets import SecretPlace

TOPIC = r"^[A-Za-z0-9._-]{1,249}$"
OURS = frozenset(
    (
        "group.id",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "isolation.level",
        "message.timeout.ms",
    )
)
"""Properties on which it depends that no message is lost; the stream sets them itself."""
TRANSACTIONAL_ID = "transactional.id"
Topic = Annotated[str, Field(pattern=TOPIC)]


class Delivery(StrEnum):
    """How often an answer may stand in the output topic."""

    AT_LEAST_ONCE = "at_least_once"
    EXACTLY_ONCE = "exactly_once"


class Part(BaseModel):
    """What all parts of the file share: frozen, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Topics(Part):
    """Topics, which must be there."""

    input: Topic
    """A message's value is one row in JSON, as a model's `instances` has it."""
    output: Topic
    """Gets the model's answer to each row, with the message's key and headers."""
    dead_letters: Topic
    """Gets messages that have no answer, with the reason in their headers."""

    @model_validator(mode="after")
    def _differ(self) -> "Topics":
        if len({self.input, self.output, self.dead_letters}) < 3:
            raise ValueError("name three different topics")
        return self


class Model(Part):
    """The InferenceService that answers."""

    name: Annotated[str, Field(min_length=1)]
    """Of the service, and of the model in its paths."""
    namespace: str = "default"
    """Of the service, where it is served on this machine."""
    url: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    """Before `/v1` or `/v2`; without it, the service that `kanaria serve` serves here."""
    protocol: Literal["v1", "v2"] = "v1"
    """`v1` is TensorFlow Serving's, `v2` the Open Inference Protocol."""
    headers: dict[str, str] = {}
    """Of each request, such as Host for an ingress gateway."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """For an answer; then the request is sent again."""
    requests: Annotated[int, Field(ge=1, le=64)] = 4
    """That are under way at once; the order of a partition is kept."""


class Batch(Part):
    """What one request of the model holds."""

    messages: Annotated[int, Field(ge=1, le=10_000)] = 64
    """At most."""
    milliseconds: Annotated[float, Field(ge=0, le=60_000)] = 20.0
    """That a message waits for others, at most."""


class StreamFile(Part):
    """One stream."""

    group: Annotated[str, Field(min_length=1)]
    """Consumer group: its committed offsets are the stream's place; its processes share the topic's
    partitions."""
    kafka: dict[str, str | int | float | bool]
    """Properties of the client library by librdkafka's names; those in the environment, as
    `KANARIA_KAFKA_SASL_PASSWORD` for `sasl.password`, stand over them."""
    secrets: dict[str, SecretPlace] = {}
    """Property -> where its value is: `sasl.password: {env: KAFKA_PASSWORD}`, or `{file: PATH}`;
    secrets stand in no other place of this file."""
    topics: Topics
    model: Model
    batch: Batch = Batch()
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    """`exactly_once` writes answers and offsets in one transaction; `transactional.id` among the
    properties, another for each process, lets a restarted process go on at once."""


def read(path: Path) -> StreamFile:
    """Return what the file at `path` asks for.

    Raises:
        ParameterError: it cannot be read, or is wrong; all faults are named.
    """
    document, faults = yaml_text.read(path), Faults(str(path))
    try:
        stream = StreamFile.model_validate(document)
    except ValidationError as error:
        add_invalid(faults, error)
        faults.raise_if_any()
        raise
    for name in sorted(OURS & {*stream.kafka, *stream.secrets}):
        faults.add(f"kafka.{name}: the stream sets it, so that no message is lost; remove it")
    kafka_secrets.check_written(stream.kafka, stream.secrets, ("kafka", "secrets"), faults)
    faults.raise_if_any()
    return stream
