"""The file of triggers: what it means, and how its faults are told."""

from pathlib import Path

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.triggers import trigger_file

GOOD = """
triggers:
  - name: retrain-flights
    when:
      - drift: {service: flights}
      - alert: {alertname: KanariaDrift, tier: 1}
      - object: {bucket: flights, suffix: _SUCCESS}
      - event: {type: org.example}
      - request: true
    start: {pipeline: retrain, config: retrain.yaml, set: {train_steps: 500}}
    cool_down: 1h30m
    quiet_hours: {begin: "22:00", end: "06:00"}
    time_zone: Asia/Seoul
"""
BAD = """
runs: {where: nowhere}
drift_server: flights
triggers:
  - name: Retrain
    when: [{drift: {}, request: true}, {request: false}, {topic: news}]
    start: {pipline: retrain}
    cool_down: 6
    runs_a_day: -1
    quiet_hours: {begin: "25:00", end: "06:00"}
    time_zone: Mars/Olympus
"""


def read(tmp_path: Path, text: str) -> trigger_file.TriggerFile:
    path = tmp_path / "triggers.yaml"
    path.write_text(text)
    return trigger_file.read(path)


def test_a_file_says_what_starts_what(tmp_path: Path):
    (trigger,) = read(tmp_path, GOOD).triggers
    assert trigger.cool_down == 5400
    assert str(trigger.zone) == "Asia/Seoul"
    assert trigger.when[0].drift.namespace == "default"
    assert trigger.when[1].alert == {"alertname": "KanariaDrift", "tier": "1"}
    assert trigger.start.config == str(tmp_path / "retrain.yaml")
    assert trigger.start.pipeline == "retrain"


def test_all_faults_are_told_at_once_with_value_and_remedy(tmp_path: Path):
    with pytest.raises(ParameterError) as raised:
        read(tmp_path, BAD)
    said = str(raised.value)
    for fault in (
        "runs.where='nowhere'",
        "drift_server='flights'",
        "triggers.0.name='Retrain'",
        "triggers.0.when.0.drift.service is missing",
        "triggers.0.when.1.request=False: write true, or leave it out",
        "triggers.0.start.pipeline is missing",
        "triggers.0.start.pipline='retrain': there is no such key",
        "triggers.0.cool_down=6: write a duration as 6h, 1d, 1h30m or 90s",
        "triggers.0.runs_a_day=-1",
        "triggers.0.quiet_hours.begin='25:00': write a time of the day in quotes",
        "triggers.0.time_zone='Mars/Olympus': name a time zone as Europe/Berlin or UTC",
    ):
        assert fault in said, said
    assert said.count("\n") == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("- request: true", "- {request: true, topic: a}"), "name exactly one of drift, alert"),
        (("- request: true", "- topic: news"), "triggers.0.when.topic='news': name the kafka"),
        (("cool_down: 1h30m", "labelled_rows: {at_least: 5, service: a}"), "name the drift_server"),
        (('end: "06:00"', 'end: "22:00"'), "begin and end are the same"),
        (("name: retrain-flights", "name: x\n    nam: y"), "there is no such key"),
    ],
)
def test_what_does_not_fit_together_is_told(tmp_path: Path, monkeypatch, changed, said):
    monkeypatch.delenv("KANARIA_DRIFT_SERVER", raising=False)
    with pytest.raises(ParameterError, match=said):
        read(tmp_path, GOOD.replace(*changed))


def test_two_triggers_of_one_name_are_told(tmp_path: Path):
    twice = GOOD + GOOD.replace("triggers:\n", "")
    with pytest.raises(ParameterError, match="name='retrain-flights': 2 triggers have it"):
        read(tmp_path, twice)


def test_a_secret_never_stands_in_the_file_nor_in_the_error(tmp_path: Path):
    kafka = "kafka: {bootstrap_servers: 'a:1', settings: {sasl.password: swordfish, group.id: x}}"
    with pytest.raises(ParameterError) as raised:
        read(tmp_path, GOOD + kafka)
    said = str(raised.value)
    assert "kafka.settings.sasl.password is a secret: name where it is in kafka.secrets" in said
    assert "kafka.settings.group.id is set by the server" in said
    assert "swordfish" not in said
