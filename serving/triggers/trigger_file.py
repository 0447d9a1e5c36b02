"""What starts which pipeline, from a YAML file.

runs: {where: here, root: .kanaria}        # or {where: kfp, host: ..., pipeline_root: ..., ...}
drift_server: http://127.0.0.1:8081     # counts labels, and has the report that a run is told of
kafka: {bootstrap_servers: "broker:9092", group: kanaria-triggers, settings: {...}}
triggers:
  - name: retrain-flights
    when:                               # any of these
      - drift: {service: flights-delay, namespace: team}
      - alert: {alertname: KanariaDrift}              # labels that it must have
      - object: {bucket: flights, prefix: 2013/, suffix: _SUCCESS}
      - event: {type: org.example.labels, source: ""}
      - topic: flights-labels
      - request: true                                 # POST /triggers/retrain-flights
    start: {pipeline: retrain, config: retrain.yaml, set: {train_steps: 500}}
    cool_down: 6h
    runs_a_day: 2
    quiet_hours: {begin: "22:00", end: "06:00"}
    time_zone: Asia/Seoul
    labelled_rows: {at_least: 1000, service: flights-delay, namespace: team}

Secrets never stand here: `kafka.secrets` names the variables or files that hold them.
"""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.config.validation import add_invalid
from kanaria.serving import kafka_secrets
from kanaria.serving.kafka_secrets import SecretPlace
from kanaria.serving.triggers.file_values import (
    Clock,
    Label,
    Namespace,
    Seconds,
    Section,
    Text,
    Zone,
)
from kanaria.serving.triggers.start_conditions import When

NAME = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
"""Of a trigger, which stands in names of runs."""
URL = r"^https?://"
OWN_SETTINGS = ("bootstrap.servers", "group.id", "enable.auto.commit", "enable.auto.offset.store")
"""Settings of the Kafka client on which it rests that no message is lost."""


class Start(Section):
    """The run that is started.

    Attributes:
        pipeline: train_and_deploy, retrain, promote, watch_for_drift, score, or a compiled
            .yaml file.
        config: YAML file of its parameters, relative to this file; empty for none.
        set: parameters over the file's; a dotted name sets one key of a mapping.
    """

    pipeline: Text
    config: str = ""
    set: dict[str, Any] = Field(default_factory=dict)


class QuietHours(Section):
    """Hours of the day in which no run begins, across midnight where they end before they begin.

    Attributes:
        begin: time of the day, in the trigger's time zone.
        end: time of the day at which runs may begin again.
    """

    begin: Clock
    end: Clock

    @model_validator(mode="after")
    def _some(self) -> "QuietHours":
        if self.begin == self.end:
            raise ValueError("begin and end are the same; leave quiet_hours out, or change one")
        return self


class LabelledRows(Section):
    """How many rows must have got a label since the last run.

    Attributes:
        at_least: rows.
        service: name of the InferenceService whose requests are labelled.
        namespace: of the service; the server's own by default.
    """

    at_least: Annotated[int, Field(ge=1)]
    service: Text
    namespace: Namespace


class Trigger(Section):
    """What starts a pipeline, and what holds it back.

    Attributes:
        name: in names of runs, metrics and addresses.
        when: what starts it; any of these.
        start: the run.
        cool_down: 6h, 1d, 1h30m: least time from the begin of a run to the next; 0s for none.
        runs_a_day: most runs that begin on one day of the time zone; 0 for no limit.
        quiet_hours: hours in which no run begins.
        time_zone: of the quiet hours, and of the day.
        labelled_rows: how many rows must have got a label since the last run.
    """

    name: Annotated[str, Field(pattern=NAME)]
    when: Annotated[tuple[When, ...], Field(min_length=1)]
    start: Start
    cool_down: Seconds = 3600.0
    runs_a_day: Annotated[int, Field(ge=0, le=1000)] = 4
    quiet_hours: QuietHours | None = None
    time_zone: Zone = "UTC"
    labelled_rows: LabelledRows | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def topics(self) -> list[str]:
        """Names of the Kafka topics that start it."""
        return [when.topic for when in self.when if when.topic]


class Runs(Section):
    """Where runs are started.

    Attributes:
        where: here, on this machine, or kfp, a server of Kubeflow Pipelines.
        root: folder of runs and results of this machine.
        host: address of Kubeflow Pipelines; empty for KF_PIPELINES_ENDPOINT, or the pod's cluster.
        namespace: of the runs, where the server has many users.
        experiment: name of the experiment; empty for the default.
        pipeline_root: URI of the folder of artifacts.
        image_prefix: registry and path of the images.
        service_account: of the runs' pods; empty as for `kanaria submit`.
    """

    where: Literal["here", "kfp"] = "here"
    root: str = ".kanaria"
    host: str = ""
    namespace: str = ""
    experiment: str = ""
    pipeline_root: str = ""
    image_prefix: str = ""
    service_account: str = ""


class Kafka(Section):
    """The Kafka cluster of the topics.

    Attributes:
        bootstrap_servers: host:port, separated by commas.
        group: of the consumers; its committed offsets say what was taken.
        settings: further settings of librdkafka, as security.protocol: SASL_SSL.
        secrets: setting of librdkafka -> where its value is: sasl.password: {env: KAFKA_PASSWORD}.
    """

    bootstrap_servers: Text
    group: Text = "kanaria-triggers"
    settings: dict[str, Label] = Field(default_factory=dict)
    secrets: dict[str, SecretPlace] = Field(default_factory=dict)


class TriggerFile(Section):
    """The whole file.

    Attributes:
        runs: where runs are started.
        drift_server: address of the drift server; empty for KANARIA_DRIFT_SERVER.
        kafka: the cluster of the topics.
        triggers: what starts what.
    """

    runs: Runs = Runs()
    drift_server: Annotated[str, Field(pattern=rf"^$|{URL}")] = ""
    kafka: Kafka | None = None
    triggers: Annotated[tuple[Trigger, ...], Field(min_length=1)]


def read(path: Path) -> TriggerFile:
    """Return what the file at `path` says; a relative path in it begins in its folder.

    Raises:
        ParameterError: it cannot be read, or is wrong; all faults are named.
    """
    faults = Faults(str(path))
    try:
        document = TypeAdapter(TriggerFile).validate_python(yaml_text.read(path))
    except ValidationError as error:
        add_invalid(faults, error)
        faults.raise_if_any()
        raise
    _check(document, faults)
    faults.raise_if_any()
    return _beside(document, path.parent)


def _check(document: TriggerFile, faults: Faults) -> None:
    counted = Counter(trigger.name for trigger in document.triggers)
    for name, count in counted.items():
        faults.check(count == 1, "name", name, f"{count} triggers have it; give each its own")
    for number, trigger in enumerate(document.triggers):
        where = f"triggers.{number}"
        if trigger.topics and not document.kafka:
            faults.check(False, f"{where}.when.topic", trigger.topics[0], "name the kafka cluster")
        server = document.drift_server or os.environ.get("KANARIA_DRIFT_SERVER", "")
        if trigger.labelled_rows and not server:
            what = trigger.labelled_rows.service
            remedy = "name the drift_server, which counts labels"
            faults.check(False, f"{where}.labelled_rows.service", what, remedy)
    if document.kafka:
        _check_kafka(document.kafka, faults)


def _check_kafka(kafka: Kafka, faults: Faults) -> None:
    where = ("kafka.settings", "kafka.secrets")
    kafka_secrets.check_written(kafka.settings, kafka.secrets, where, faults)
    for name in (*kafka.settings, *kafka.secrets):
        if name in OWN_SETTINGS:
            faults.add(f"kafka.settings.{name} is set by the server: remove it")


def _beside(document: TriggerFile, folder: Path) -> TriggerFile:
    """Return the file with the paths of configs as they are from here."""

    def placed(start: Start) -> Start:
        changes = {"config": str(folder / start.config)} if start.config else {}
        if start.pipeline.endswith((".yaml", ".yml")):
            changes["pipeline"] = str(folder / start.pipeline)
        return start.model_copy(update=changes)

    triggers = tuple(
        trigger.model_copy(update={"start": placed(trigger.start)}) for trigger in document.triggers
    )
    return document.model_copy(update={"triggers": triggers})
