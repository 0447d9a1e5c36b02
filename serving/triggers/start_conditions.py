"""What a trigger answers: verdicts, alerts, objects, events, messages and requests."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from kanaria.serving.triggers.file_values import Label, Namespace, Section, Text


def _true(value: object) -> bool:
    if value is not True:
        raise ValueError("write true, or leave it out")
    return True


class DriftVerdict(Section):
    """A window that our drift server found drifted.

    Attributes:
        service: name of the InferenceService.
        namespace: of the service; the server's own by default.
        detector: name of the watch; empty for any.
    """

    service: Text
    namespace: Namespace
    detector: str = ""


class ObjectCreated(Section):
    """An object of MinIO, S3 or Google Cloud Storage that was created.

    Attributes:
        bucket: its name.
        prefix: how the object's name begins.
        suffix: how it ends; a marker that is written last, as _SUCCESS, starts one run for many.
    """

    bucket: Text
    prefix: str = ""
    suffix: str = ""


class CloudEventType(Section):
    """A CloudEvent.

    Attributes:
        type: of the event.
        source: of the event; empty for any.
        subject: of the event; empty for any.
    """

    type: Text
    source: str = ""
    subject: str = ""


class When(Section):
    """One kind of happening that a trigger answers; exactly one key.

    Attributes:
        drift: a verdict of our drift server.
        alert: labels that an alert of Alertmanager which fires must have.
        object: an object that was created.
        event: any other CloudEvent.
        topic: name of a Kafka topic, each message of which counts.
        request: true: POST /triggers/NAME.
    """

    drift: DriftVerdict | None = None
    alert: Annotated[dict[str, Label], Field(min_length=1)] | None = None
    object: ObjectCreated | None = None
    event: CloudEventType | None = None
    topic: Text | None = None
    request: Annotated[bool, BeforeValidator(_true)] | None = None

    @model_validator(mode="after")
    def _one(self) -> "When":
        if len(self.model_fields_set) != 1:
            raise ValueError(f"name exactly one of {', '.join(type(self).model_fields)}")
        return self
