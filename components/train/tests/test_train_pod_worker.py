"""The TFJob fits the code and Kubernetes; its command trains in workers that a cluster starts."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kanaria.components.shared.errors import ParameterError
from kanaria.components.train import worker_cluster
from kanaria.components.train.request import TrainRequest, check
from kanaria.components.train.reserved_ports import SHARED, reserved

ROOT = Path(__file__).parents[3]
MANIFESTS = ROOT / "manifests"
ORDER = json.loads((MANIFESTS / "components/training-operator/order.json").read_text())
IN_IMAGE = "/opt/kanaria/bin/python"


@pytest.fixture(scope="module")
def workers() -> dict:
    path = MANIFESTS / "components/training-operator/workers.yaml"
    return yaml.safe_load(path.read_text())["spec"]["tfReplicaSpecs"]["Worker"]


@pytest.fixture(scope="module")
def container(workers) -> dict:
    [only] = workers["template"]["spec"]["containers"]
    return only


def test_the_order_is_one_that_train_model_takes():
    check(TrainRequest.of_json(ORDER["request"]))


def test_the_operator_finds_the_container_and_the_port_by_their_names(container):
    assert container["name"] == "tensorflow"
    assert container["ports"] == [{"name": "tfjob-port", "containerPort": 2222}]


def test_a_worker_that_lost_another_starts_anew_and_one_that_failed_does_not(workers):
    assert workers["restartPolicy"] == "ExitCode"
    assert worker_cluster.LOST >= 128  # Which the operator takes for a fault that may pass.


def test_what_the_order_names_lies_on_the_volume_that_all_mount(container):
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    values = [*ORDER["request"].values(), ORDER["model"], ORDER["logs"]]
    assert all(v.startswith(f"{mounted['artifacts']}/") for v in values if isinstance(v, str))
    assert container["command"][-1] == f"{mounted['order']}/order.json"


def test_pods_may_run_where_pods_are_restricted(container):
    context = container["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl, which renders manifests")
def test_an_overlay_of_runs_takes_it_with_the_account_and_the_order(tmp_path: Path):
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    overlay = tmp_path / "manifests/overlay"
    overlay.mkdir()
    overlay.joinpath("kustomization.yaml").write_text(
        "namespace: team\nresources: [../runs]\ncomponents: [../components/training-operator]\n"
    )
    command = ["kubectl", "kustomize", str(overlay)]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    objects = {one["kind"]: one for one in yaml.safe_load_all(rendered)}
    pod = objects["TFJob"]["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]
    assert objects["TFJob"]["metadata"]["namespace"] == "team"
    assert pod["serviceAccountName"] == objects["ServiceAccount"]["metadata"]["name"]
    [config] = [volume["configMap"] for volume in pod["volumes"] if "configMap" in volume]
    assert config["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert json.loads(objects["ConfigMap"]["data"]["order.json"]) == ORDER


@pytest.fixture
def ended(raw: Path, container, tmp_path: Path):
    """Run the pods' command twice, as two pods would; return exit codes and logs."""
    python, *words, _ = container["command"]
    assert python == IN_IMAGE
    request = {
        "examples": str(raw / "examples"),
        "transformed_examples": str(raw / "not_materialized"),
        "schema": str(raw / "schema"),
        "transform_graph": str(raw / "graph"),
        "module_file": str(Path(__file__).with_name("workers_module.py")),
        "train_steps": 30,
        "seed": 3,
        "model_run_dir": str(tmp_path / "run"),
    }

    def run(**custom: object) -> tuple[list[int], list[str]]:
        order = {"model": str(tmp_path / "model"), "logs": str(tmp_path / "logs")}
        order |= {"request": {**request, "custom_config": custom}}
        (tmp_path / "order.json").write_text(json.dumps(order))
        shared = {SHARED: "true", "no_grpc_proxy": "localhost"}
        with reserved(2) as ports:
            addresses = [f"localhost:{port}" for port in ports]
            pods = [
                subprocess.Popen(
                    [sys.executable, *words, tmp_path / "order.json"],
                    env={
                        **os.environ,
                        **shared,
                        worker_cluster.CONFIG: worker_cluster.config(addresses, number),
                    },
                    stderr=subprocess.PIPE,
                    text=True,
                )
                for number in (0, 1)
            ]
            logs = [pod.communicate()[1] for pod in pods]
        return [pod.returncode for pod in pods], logs

    return run


def test_pods_train_together_and_leave_one_model(ended, tmp_path: Path):
    codes, logs = ended()
    assert codes == [0, 0], logs
    assert len(json.loads((tmp_path / "model/losses.json").read_text())["losses"]) == 6
    assert len(list(tmp_path.rglob("saved_model.pb"))) == 1
    assert not (tmp_path / "run/checkpoints").exists()


def test_pods_started_anew_after_a_kill_resume(ended, tmp_path: Path):
    codes, logs = ended(worker=1, how="once", step=17)
    assert codes == [worker_cluster.LOST, -9], logs
    assert not (tmp_path / "model").exists()
    codes, logs = ended(worker=1, how="once", step=17)
    assert codes == [0, 0], logs
    assert all("Resumed after epoch 3" in log for log in logs)
    assert json.loads((tmp_path / "model/losses.json").read_text())["began"] == 3


@pytest.mark.parametrize("config", ["", "{}", "[]", "no json"])
def test_a_process_without_a_cluster_is_told_so(config: str):
    with pytest.raises(ParameterError, match="names no cluster; a TFJob sets it"):
        worker_cluster.size({worker_cluster.CONFIG: config})


@pytest.mark.parametrize(
    ("named", "task", "expected"),
    [
        ({"worker": ["a:1", "b:1"]}, {"type": "worker", "index": 0}, True),
        ({"worker": ["a:1", "b:1"]}, {"type": "worker", "index": 1}, False),
        ({"chief": ["a:1"], "worker": ["b:1"]}, {"type": "chief", "index": 0}, True),
        ({"chief": ["a:1"], "worker": ["b:1"]}, {"type": "worker", "index": 0}, False),
    ],
)
def test_the_chief_is_worker_0_where_none_is_named(named: dict, task: dict, expected: bool):
    environment = {worker_cluster.CONFIG: json.dumps({"cluster": named, "task": task})}
    assert worker_cluster.is_chief(environment) is expected
    assert worker_cluster.size(environment) == 2
