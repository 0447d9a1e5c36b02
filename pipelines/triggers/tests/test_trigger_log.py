"""The log of the trigger server as objects: each line says which trigger and run it is about."""

import json
from pathlib import Path

from kfp_contract import Contract
from trigger_process import running

VERDICT = {
    "ce-id": "1",
    "ce-source": "/drift",
    "ce-type": "io.kanaria.drift.verdict",
    "ce-specversion": "1.0",
    "ce-subject": "v1",
    "ce-time": "2026-01-01T00:00:00+00:00",
    "ce-namespace": "team",
    "ce-inferenceservicename": "flights",
    "ce-verdict": "drifted",
}


def test_a_verdict_is_followed_to_the_end_of_its_run(
    tmp_path: Path, pipeline: Path, contract: Contract
):
    config = tmp_path / "triggers.yaml"
    config.write_text(
        f"runs: {{where: kfp, host: '{contract.url}'}}\n"
        "triggers:\n"
        "  - name: retrain\n"
        "    when: [{drift: {service: flights, namespace: team}}, {request: true}]\n"
        f"    start: {{pipeline: {pipeline}}}\n"
    )
    environment = {"KANARIA_LOG_FORMAT": "json"}
    with running(config, str(tmp_path / "triggers.sqlite"), **environment) as server:
        assert server.post("/cloudevents", content=b"", headers=VERDICT) == 200
        (row,) = server.settled()
        assert server.post("/triggers/retrain") == 200
        server.said("refused, cool_down")
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    of_trigger = [line for line in lines if line["message"].startswith("retrain: ")]
    assert {line.get("trigger") for line in of_trigger} == {"retrain"}
    came, started, ended, again, refused = of_trigger
    assert (came["namespace"], came["service"]) == ("team", "flights")
    assert "(new)" in came["message"] and "(new)" in again["message"]
    assert started["message"].startswith("retrain: started retrain-")
    assert {started["run_id"], ended["run_id"]} == {row["run_id"]}
    assert started["pipeline"] == ended["pipeline"] == str(pipeline)
    assert "succeeded" in ended["message"]
    assert "run_id" not in refused
