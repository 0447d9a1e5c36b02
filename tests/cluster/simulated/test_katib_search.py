"""Experiments of Katib on a real API server, as the account of the steps; the test is Katib."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import MANIFESTS, Account, kubectl
from inference_services import SECONDS, InferenceServices

from kanaria.components.search.run_katib import SearchRequest, run_search
from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import PermissionDeniedError
from kanaria.components.shared.tuning import search_plan
from kanaria.components.shared.tuning.katib_parameter import Kind, Parameter
from kanaria.components.shared.tuning.search_plan import SearchPlan
from kanaria.components.shared.tuning.tuned_files import Targets
from kanaria.components.tune import katib_experiment, trial_pod
from kanaria.components.tune.katib_experiment import SearchSettings

PLAN = SearchPlan(
    objective="val_auc",
    direction="max",
    parameters=(
        Parameter(name="rate", katib_name="rate", kind=Kind.DOUBLE, low=1e-5, high=1, is_log=True),
        Parameter(name="n", katib_name="n", kind=Kind.INT, low=1, high=8),
        Parameter(name="act", katib_name="act", kind=Kind.CATEGORICAL, values=("a b", "relu")),
    ),
    hyperparameters={"space": [], "values": {"layers": 2}},
)
POD = {
    "image": "registry.example.com/ml/kanaria-training:1",
    "serviceAccountName": "reader",
    "resources": {"limits": {"nvidia.com/gpu": 1, "memory": "4Gi"}},
    "nodeSelector": {"gpu": True},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "store", "key": "key"}}}],
    "envFrom": [{"secretRef": {"name": "warehouse"}}],
    "volumes": [{"mountPath": "/data", "persistentVolumeClaim": {"claimName": "data"}}],
    "activeDeadlineSeconds": 600,
}
ASSIGNED = {"rate": "0.001", "n": "3", "act": "a%20b"}


def definition(kind: str) -> dict[str, Any]:
    """Return a resource definition as Katib's are: any fields, and a status of its own."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1beta1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.kubeflow.org"},
        "spec": {
            "group": "kubeflow.org",
            "scope": "Namespaced",
            "versions": [version],
            "names": {"kind": kind, "singular": kind.lower(), "plural": plural},
        },
    }


@pytest.fixture
def experiment() -> dict[str, Any]:
    faults = Faults("test")
    pod = trial_pod.settings(POD, faults)
    faults.raise_if_any()
    settings = SearchSettings(
        algorithm="random", max_trials=2, parallel_trials=2, max_failed_trials=1, seed=1, pod=pod
    )
    return katib_experiment.experiment(PLAN, settings, {"custom": "$HOME ${trialParameters.x}"})


@pytest.fixture
def katib(tmp_path: Path) -> None:
    """Install what the API server knows Katib by."""
    for kind in ("Experiment", "Trial"):
        file = tmp_path / f"{kind}.yaml"
        file.write_text(yaml.safe_dump(definition(kind)))
        kubectl("apply", "-f", file)
        name = f"crd/{kind.lower()}s.kubeflow.org"
        kubectl("wait", "--for=condition=Established", name, "--timeout=60s")


@pytest.fixture
def request_(experiment: dict[str, Any], services: InferenceServices, tmp_path: Path):
    folder = tmp_path / "experiment"
    folder.mkdir()
    (folder / search_plan.PLAN_FILE).write_text(search_plan.as_text(PLAN))
    (folder / search_plan.EXPERIMENT_FILE).write_text(yaml_text.dump(experiment))
    return SearchRequest(experiment=folder, namespace=services.namespace, interval_seconds=0.2)


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    return Targets(*(tmp_path / name for name in ("best", "results", "report.html")))


def patch_status(services: InferenceServices, kind: str, name: str, status: dict) -> None:
    body = json.dumps({"status": status})
    flags = ("--namespace", services.namespace, "--subresource=status", "--type=merge")
    kubectl("patch", kind, name, *flags, "-p", body)


def ended(name: str) -> dict[str, Any]:
    return {"conditions": [{"type": name, "status": "True", "message": "it ended"}]}


def search_to_the_end(services: InferenceServices, name: str) -> None:
    """Do what Katib does: wait for the Experiment, run two trials, and name the best."""
    for _ in range(SECONDS):
        if services.exists("kubeflow.org/v1beta1", "Experiment", name):
            break
        time.sleep(1)
    assignments = [{"name": one, "value": value} for one, value in ASSIGNED.items()]
    for number, value in enumerate(["0.5", "0.75"]):
        trial = {
            "apiVersion": "kubeflow.org/v1beta1",
            "kind": "Trial",
            "metadata": {
                "name": f"{name}-{number}",
                "labels": {"katib.kubeflow.org/experiment": name},
            },
            "spec": {"parameterAssignments": assignments},
        }
        services.apply(trial)
        metric = {"name": "val_auc", "latest": value, "min": value, "max": value}
        status = {**ended("Succeeded"), "observation": {"metrics": [metric]}}
        patch_status(services, "trial", f"{name}-{number}", status)
    best = {"bestTrialName": f"{name}-1", "parameterAssignments": assignments}
    patch_status(services, "experiment", name, {**ended("Succeeded"), "currentOptimalTrial": best})


@pytest.mark.usefixtures("katib")
def test_the_account_of_the_steps_searches_once_and_reads_again(
    services: InferenceServices,
    pipeline: Account,
    experiment: dict[str, Any],
    request_: SearchRequest,
    targets: Targets,
    monkeypatch: pytest.MonkeyPatch,
):
    name = experiment["metadata"]["name"]
    with pytest.MonkeyPatch.context() as patch:
        pipeline.use(patch)
        with pytest.raises(PermissionDeniedError, match="experiments"):
            run_search(request_, targets)
    rbac = MANIFESTS / "components/katib/katib-rbac.yaml"
    kubectl("apply", "--namespace", services.namespace, "-f", rbac)
    pipeline.use(monkeypatch)
    with ThreadPoolExecutor() as threads:
        search = threads.submit(run_search, request_, targets)
        search_to_the_end(services, name)
        tuned = search.result(SECONDS)
    assert tuned.hyperparameters["values"] == {"rate": 0.001, "n": 3, "act": "a b", "layers": 2}
    assert (tuned.best.score, [one.score for one in tuned.trials]) == (0.75, [0.5, 0.75])
    assert run_search(request_, targets).results() == tuned.results()
    stored = services.object("kubeflow.org/v1beta1", "Experiment", name)
    assert stored["spec"] == experiment["spec"]


def test_the_api_server_takes_the_job_of_a_trial(
    services: InferenceServices, experiment: dict[str, Any], tmp_path: Path
):
    text = json.dumps(experiment["spec"]["trialTemplate"]["trialSpec"])
    for name, value in ASSIGNED.items():
        text = text.replace(f"${{trialParameters.{name}}}", value)
    job = {**json.loads(text), "metadata": {"name": "trial"}}
    (tmp_path / "job.json").write_text(json.dumps(job))
    flags = ("--namespace", services.namespace, "--dry-run=server", "--validate=strict", "-o=json")
    made = json.loads(kubectl("create", *flags, "-f", tmp_path / "job.json"))
    container = made["spec"]["template"]["spec"]["containers"][0]
    variables = {one["name"]: one.get("value") for one in container["env"]}
    assert json.loads(variables["KANARIA_TRIAL_ASSIGNMENTS"]) == ASSIGNED
    assert json.loads(variables["KANARIA_TRIAL"]) == {"custom": "$HOME ${trialParameters.x}"}
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1", "memory": "4Gi"}
