"""The accounts of runs on a real API server: found, judged, and bound from another namespace."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from accounts import MANIFESTS, Account, kubectl
from inference_services import InferenceServices, own_namespace
from kubernetes import dynamic

from kanaria.components.shared.errors import PermissionDeniedError
from kanaria.pipelines.submit.run_account import USUAL, chosen
from kanaria.serving.doctor import access_rights, examine_account
from kanaria.serving.doctor.doctor_report import Finding, State, is_fit
from kanaria.serving.doctor.examine_cluster import examine
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import CONFIG_MAPS
from kanaria.serving.traffic.find_traffic import namespace_of


def judged(services: str, name: str, runs: str = "") -> dict[str, Finding]:
    """Return what the administrator's doctor finds about an account."""
    account = examine_account.parse(name, runs or services)
    findings = examine(KubernetesClient.connect(), services, account)
    return {finding.subject: finding for finding in findings}


def apply(folder: Path, document: dict[str, object]) -> None:
    file = folder / "applied.yaml"
    file.write_text(yaml.safe_dump(document))
    kubectl("apply", "-f", file)


@pytest.fixture
def runs(api: dynamic.DynamicClient) -> Iterator[str]:
    """A namespace of runs, which has no services."""
    with own_namespace(api) as other:
        yield other.namespace


@pytest.fixture
def elsewhere(services: InferenceServices, runs: str, tmp_path: Path) -> Path:
    """The manifests for runs in another namespace than services, installed."""
    copy = shutil.copytree(MANIFESTS, tmp_path / "elsewhere")
    for file in copy.rglob("*.yaml"):
        text = file.read_text().replace("value: kubeflow", f"value: {runs}")
        text = text.replace("namespace: kubeflow", f"namespace: {runs}")
        file.write_text(text.replace("namespace: team", f"namespace: {services.namespace}"))
    kubectl("apply", "-k", copy / "kserve")
    kubectl("apply", "-k", copy / "standalone")
    return copy


@pytest.mark.usefixtures("pipeline")
def test_the_manifests_account_may_do_what_the_steps_and_kfp_do(services: InferenceServices):
    findings = judged(services.namespace, USUAL)
    states = {name: findings[name].state for name in ("account", "rights", "kfp rights")}
    assert set(states.values()) == {State.OK}, findings
    assert is_fit(list(findings.values()))
    assert findings["kfp store"].state is State.LIMITED  # There is no KFP in this cluster.
    assert chosen(None, services.namespace).name == USUAL


@pytest.mark.usefixtures("pipeline")
def test_another_account_lacks_all_of_it_and_an_absent_one_is_told(services: InferenceServices):
    findings = judged(services.namespace, "default")
    assert findings["account"].state is State.OK
    assert access_rights.as_yaml(access_rights.NEEDED) in findings["rights"].text
    # KServe's configuration may be read by all: the groups of an account count.
    assert "inferenceservice-config" not in findings["rights"].text
    assert access_rights.as_yaml(access_rights.KFP)[1:-1] in findings["kfp rights"].text
    absent = judged(services.namespace, "absent")
    assert absent["account"].state is State.MISSING


@pytest.mark.usefixtures("elsewhere")
def test_runs_in_another_namespace_have_their_account_there_and_rights_here(
    services: InferenceServices, runs: str
):
    findings = judged(services.namespace, f"{runs}:{USUAL}")
    assert {findings[name].state for name in ("account", "rights", "kfp rights")} == {State.OK}
    here = judged(services.namespace, USUAL)
    assert here["account"].state is State.MISSING
    assert chosen(None, services.namespace).name == ""
    assert chosen(None, runs).name == USUAL


def test_kfps_own_accounts_get_the_rights_of_the_steps_on_request(
    elsewhere: Path, services: InferenceServices, runs: str
):
    before = judged(services.namespace, f"{runs}:pipeline-runner")
    assert before["rights"].state is State.MISSING
    file = elsewhere / "standalone/services/kustomization.yaml"
    listed = yaml.safe_load(file.read_text())
    both = ["../../components/pipeline-runner", "../../components/default-editor"]
    file.write_text(yaml.safe_dump({**listed, "components": [*listed["components"], *both]}))
    kubectl("apply", "-k", elsewhere / "standalone")
    for name in (f"{runs}:pipeline-runner", "default-editor"):
        findings = judged(services.namespace, name)
        assert findings["rights"].state is State.OK, findings["rights"].text
        assert findings["kfp rights"].state is State.MISSING  # KFP's own manifests give them these.
        assert findings["account"].state is State.MISSING  # Nothing here makes these accounts.


@pytest.mark.usefixtures("pipeline")
def test_what_the_launcher_is_told_decides_which_secret_the_account_must_see(
    services: InferenceServices, tmp_path: Path
):
    reference = {"secretName": "mine", "accessKeyKey": "a", "secretKeyKey": "s"}
    providers = {"s3": {"default": {"credentials": {"secretRef": reference}}}}
    data = {"defaultPipelineRoot": "s3://bucket/x", "providers": yaml.safe_dump(providers)}
    metadata = {"name": access_rights.LAUNCHER, "namespace": services.namespace}
    apply(tmp_path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    finding = judged(services.namespace, USUAL)["kfp rights"]
    assert finding.state is State.MISSING
    assert "resources: [secrets], verbs: [get], resourceNames: [mine]" in finding.text
    reference["secretName"] = "kanaria-store"
    data["providers"] = yaml.safe_dump(providers)
    apply(tmp_path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    assert judged(services.namespace, USUAL)["kfp rights"].state is State.OK


def test_who_may_not_ask_is_told_the_rule_and_may_with_it(
    pipeline: Account, services: InferenceServices, tmp_path: Path
):
    account = examine_account.Account(namespace=services.namespace, name="default")
    client = pipeline.client()
    with pytest.raises(PermissionDeniedError) as raised:
        examine(client, services.namespace, account)
    _, _, rule = str(raised.value).partition("add to a ClusterRole of yours: ")
    name = f"asks-{services.namespace}"
    group = "rbac.authorization.k8s.io"
    apply(
        tmp_path,
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": yaml.safe_load(rule),
        },
    )
    subject = f"{services.namespace}:{USUAL}"
    kubectl(
        "create", "clusterrolebinding", name, f"--clusterrole={name}", f"--serviceaccount={subject}"
    )
    try:
        findings = {one.subject: one for one in examine(client, services.namespace, account)}
        assert findings["rights"].state is State.MISSING
    finally:
        kubectl("delete", "clusterrolebinding,clusterrole", name)


def test_a_kubeconfigs_namespace_is_where_services_are_looked_for(
    pipeline: Account, services: InferenceServices, monkeypatch: pytest.MonkeyPatch
):
    config = yaml.safe_load(pipeline.kubeconfig.read_text())
    for entry in config["contexts"]:
        entry["context"]["namespace"] = services.namespace
    pipeline.kubeconfig.write_text(yaml.safe_dump(config))
    pipeline.use(monkeypatch)
    assert namespace_of("") == services.namespace
    assert KubernetesClient.connect().get(CONFIG_MAPS, namespace_of(""), "absent") is None
