"""A trial that Katib starts has the score that tune_model gives to one of equal hyperparameters."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from kanaria.components.tune.lean_imports import tune

COLLECTED = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
"""What Katib's collector of standard output looks for by default."""


def pod_of(experiment: dict, values: dict[str, str]) -> dict:
    """Return the pod of a trial as Katib makes it: text in the place of text, in JSON."""
    template = experiment["spec"]["trialTemplate"]
    text = json.dumps(template["trialSpec"])
    for parameter in template["trialParameters"]:
        name = parameter["name"]
        text = text.replace(f"${{trialParameters.{name}}}", values[parameter["reference"]])
    assert "${" not in text
    return json.loads(text)["spec"]["template"]["spec"]


def run(pod: dict, metrics: Path) -> subprocess.CompletedProcess:
    """Run the container's command as Katib does, by a shell, on this machine."""
    container = pod["containers"][0]
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    environment["KANARIA_TRIAL_METRICS"] = str(metrics)
    python, *others = container["command"]
    assert python == "/opt/kanaria/bin/python"
    command = f"{' '.join([sys.executable, *others])} && echo completed"
    return subprocess.run(
        ["sh", "-c", command], env=os.environ | environment, capture_output=True, text=True
    )


def test_the_pods_command_gives_the_score_of_tune_model(
    request_with, targets, planned, line, tmp_path
):
    request = request_with(line, seed=3, max_trials=2, custom_config={"$": "${x} $(HOME) $$ 'é\""})
    tuned = tune(request, targets())
    experiment = planned(request)
    trial = tuned.trials[-1]
    rate = trial.hyperparameters["learning_rate"]
    done = run(pod_of(experiment, {"learning_rate": str(rate)}), tmp_path / "log" / "metrics.json")
    assert done.returncode == 0, done.stderr
    line_of_metrics = json.loads((tmp_path / "log" / "metrics.json").read_text())
    assert line_of_metrics["val_loss"] == repr(trial.score)
    scores = [match[1] for match in re.findall(COLLECTED, done.stdout) if match[0] == "val_loss"]
    assert [float(score) for score in scores] == [trial.score]
    assert done.stdout.endswith("completed\n")
    objective = experiment["spec"]["objective"]
    assert objective == {"type": "minimize", "objectiveMetricName": "val_loss"}


def test_a_trial_without_a_score_fails(request_with, planned, line, tmp_path):
    bad = line.replace("rate = hp.Float", "rate = float('nan') * hp.Float")
    done = run(pod_of(planned(request_with(bad)), {"learning_rate": "0.1"}), tmp_path / "m.json")
    assert done.returncode == 1
    assert "has no score: its val_loss is nan" in done.stderr
    assert not (tmp_path / "m.json").exists()
    assert "completed" not in done.stdout
