"""Every verb that a Role grants has its call in the source, and every call its verb.

What an account needs is read from the source: the calls of KubernetesClient in the files that it
runs. A verb granted for nothing fails, and so does one that is missing, or a call in a file that
no account is said to run. What KFP itself calls as a run's account is no call of ours: its Role is
held against a list of those calls.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from kanaria.serving.kubernetes_api import resource_kinds
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import Resource

ROOT = Path(__file__).parents[2]
Right = tuple[str, str]
"""Plural name of a resource, and a verb on it."""
VERBS = {
    "get": "get",
    "list": "list",
    "create": "create",
    "apply": "patch",
    "merge_patch": "patch",
    "try_merge_patch": "patch",
    "unchanged": "patch",
    "replace": "update",
    "delete": "delete",
}
"""Method of KubernetesClient -> verb that the API server asks for."""
FREE = {"serves", "version", "may", "hasty"}
"""Methods that every account may call."""
GATEWAYS = "serving/traffic/gateways.py"
CONTROL = (
    "serving/rollout/control/*.py",
    "serving/rollout/observations/*.py",
    "serving/audit/*.py",
)
STORAGE = "components/push/storage_access.py"


@dataclass(frozen=True, kw_only=True)
class Account:
    """What an account runs.

    Attributes:
        files: patterns.
        never: functions in them that it never calls.
        makes: resources of which server-side apply makes new ones, which needs a verb of its own.
        only: resources that the Role is for; () for all.
    """

    files: tuple[str, ...]
    never: frozenset[str] = frozenset()
    makes: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()


WAYS = ("cluster_traffic", "knative", "http_route", "canary_spec")
TRAFFIC = tuple(f"serving/traffic/{way}.py" for way in WAYS)
ACCOUNTS = {
    "base/rollout-rbac.yaml": Account(
        files=(*CONTROL, *TRAFFIC), never=frozenset({"stage", "_first"})
    ),
    "base/pipeline-rbac.yaml": Account(
        files=(*CONTROL, *TRAFFIC, "serving/checks/cluster_facts.py"),
        never=frozenset({"services"}),
        makes=frozenset({"inferenceservices"}),
    ),
    "storage/storage-rbac.yaml": Account(files=(STORAGE,), makes=frozenset({"serviceaccounts"})),
    "kserve/configuration-rbac.yaml": Account(files=(GATEWAYS,), only=frozenset({"configmaps"})),
    "components/katib/katib-rbac.yaml": Account(files=("components/search/*.py",)),
    "kserve/gateway-rbac.yaml": Account(
        files=(GATEWAYS,), only=frozenset({"gateways", "gatewayclasses"})
    ),
}
KFP = "runs/kfp-rbac.yaml"
KFP_CALLS = {
    ("workflowtaskresults", "create"): "Argo 4.0, executor: refused, the run ends in Error",
    ("workflowtaskresults", "patch"): "Argo 4.0, executor, where the result is there already",
    ("workflows", "get"): "driver, getCurrentWorkflowMetadata: refused, a wrong schedule time",
    ("configmaps", "get"): "driver and launcher, config.FromConfigMap: kfp-launcher alone",
    ("secrets", "get"): "launcher, getS3BucketCredential: refused, no artifact is read or written",
    ("pods", "get"): "launcher, retryIndexFromPodAnnotation, where no retries are set",
}
"""Right -> the call of KFP 2.17.0 in a run's pods, as read in its source and measured on it."""
SPARK = "components/spark/spark-driver-rbac.yaml"
SPARK_CALLS = {
    ("pods", "get"): "the driver's own pod, spark.kubernetes.driver.pod.name",
    ("pods", "list"): "ExecutorPodsPollingSnapshotSource",
    ("pods", "watch"): "ExecutorPodsWatchSnapshotSource",
    ("pods", "create"): "ExecutorPodsAllocator",
    ("pods", "patch"): "ExecutorPodsLifecycleManager, which labels executors that it is done with",
    ("pods", "delete"): "ExecutorPodsLifecycleManager",
    ("pods", "deletecollection"): "KubernetesClusterSchedulerBackend.stop",
    ("configmaps", "create"): "KubernetesClusterSchedulerBackend.setUpExecutorConfigMap",
    **{
        (kind, verb): "KubernetesClusterSchedulerBackend.stop, by the application's label"
        for kind in ("services", "persistentvolumeclaims", "configmaps")
        for verb in ("list", "delete", "deletecollection")
    },
}
"""Right -> the call of Spark 3.5's driver in client mode."""
TRIGGER = "components/trigger/rbac.yaml"
TRIGGER_CALLS = {
    ("runs", "list"): "KfpStarter.find and under_way, by a run's name and by its pipeline",
    ("runs", "get"): "KfpStarter.ended",
    ("runs", "create"): "KfpStarter.start",
    ("pipelines", "list"): "Server.pipeline_id, by name",
    ("pipelines", "get"): "the pipeline whose version a run is of",
    ("pipelines", "create"): "a pipeline that is not there yet",
    ("pipelines/versions", "list"): "Server.version, by the package's content",
    ("pipelines/versions", "get"): "the version that a run is of",
    ("pipelines/versions", "create"): "a package that is not there yet",
    ("experiments", "list"): "the experiment, by name",
    ("experiments", "get"): "the same",
    ("experiments", "create"): "one that is not there yet",
    ("serviceaccounts", "get"): "run_account, with the API of Kubernetes",
}
"""Right -> the call of KFP's API by kanaria-trigger, which KFP with profiles asks rights for."""
RUNS = "components/runs-metrics/rbac.yaml"
RUNS_CALLS = {
    ("runs", "list"): "ServerFacts, the newest runs",
    ("runs", "get"): "ServerFacts, the steps of a run that succeeded",
    ("jobs", "list"): "ServerFacts, schedules",
    ("pipelines", "get"): "Server.specification, a version of the namespace's own pipelines",
}
"""Right -> the call of KFP's API by kanaria-runs; KFP asks about a version what it asks about its
pipeline."""
AS_A_PERSON = {
    "serving/doctor/examine_account.py",
    "serving/doctor/examine_cluster.py",
    "pipelines/submit/run_account.py",
    "pipelines/submit/wait_reasons.py",
}
"""Whoever calls these needs what they ask for, or is told that it is not seen."""


def resources(node: ast.expr, module: ast.Module) -> Iterator[Resource]:
    """Yield what a call's first argument stands for; nothing where it is no resource."""
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    resource = getattr(resource_kinds, name, None)
    if isinstance(resource, Resource):
        yield resource
    elif name == "resource":  # A loop over several.
        for listed in ast.walk(module):
            if isinstance(listed, ast.Tuple):
                for part in listed.elts:
                    yield from resources(part, module)


def calls(file: Path) -> Iterator[tuple[str, Resource, str]]:
    """Yield every call of the client: the functions around it, the resource, the method."""
    module = ast.parse(file.read_text())

    def walk(node: ast.AST, around: str) -> Iterator[tuple[str, Resource, str]]:
        if isinstance(node, ast.FunctionDef):
            around = f"{around}.{node.name}"
        called = node.func if isinstance(node, ast.Call) and node.args else None
        if isinstance(called, ast.Attribute) and called.attr in VERBS:
            for resource in resources(node.args[0], module):
                yield around, resource, called.attr
        for child in ast.iter_child_nodes(node):
            yield from walk(child, around)

    yield from walk(module, "")


def files(patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from ROOT.glob(pattern)


def needed(account: Account) -> set[Right]:
    rights = set()
    for file in files(account.files):
        for around, resource, method in calls(file):
            is_for_all = account.only and resource.plural in account.only
            is_its_own = not account.only and resource.namespaced
            if not (is_for_all or is_its_own) or account.never & set(around.split(".")):
                continue
            rights.add((resource.plural, VERBS[method]))
            if method == "apply" and resource.plural in account.makes:
                rights.add((resource.plural, "create"))
    return rights


def granted(file: str) -> set[Right]:
    documents = yaml.safe_load_all((ROOT / "manifests" / file).read_text())
    return {
        (resource, verb)
        for document in documents
        if document["kind"] in ("Role", "ClusterRole")
        for rule in document["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("role", list(ACCOUNTS))
def test_a_role_grants_the_verbs_that_are_called_and_no_others(role: str):
    assert granted(role) == needed(ACCOUNTS[role])


def test_the_role_for_kfp_grants_what_its_programs_call_and_no_more():
    assert granted(KFP) == set(KFP_CALLS)


def test_the_role_for_spark_grants_what_its_driver_calls_and_no_more():
    assert granted(SPARK) == set(SPARK_CALLS)


def test_the_role_for_triggers_grants_what_starts_runs_and_no_more():
    assert granted(TRIGGER) == set(TRIGGER_CALLS)


def test_the_role_for_metrics_of_runs_grants_what_reads_them_and_no_more():
    assert granted(RUNS) == set(RUNS_CALLS)


def test_kfp_sees_no_secret_or_configuration_but_its_own():
    (role,) = (
        document
        for document in yaml.safe_load_all((ROOT / "manifests" / KFP).read_text())
        if document["kind"] == "Role"
    )
    named = {
        rule["resources"][0]: rule["resourceNames"]
        for rule in role["rules"]
        if "resourceNames" in rule
    }
    assert named == {
        "configmaps": ["kfp-launcher"],
        "secrets": ["mlpipeline-minio-artifact", "kanaria-store"],
    }


def test_every_role_of_the_manifests_has_an_account_here():
    files_of_roles = (ROOT / "manifests").rglob("*rbac.yaml")
    assert {str(file.relative_to(ROOT / "manifests")) for file in files_of_roles} == {
        *ACCOUNTS,
        KFP,
        SPARK,
        TRIGGER,
        RUNS,
    }


def test_every_file_that_calls_the_client_is_run_by_an_account():
    run_by_accounts = {file for account in ACCOUNTS.values() for file in files(account.files)}
    run_by_accounts |= {ROOT / file for file in AS_A_PERSON}
    callers = {
        path
        for part in ("components", "pipelines", "serving")
        for path in (ROOT / part).rglob("*.py")
        if "tests" not in path.parts and list(calls(path))
    }
    assert callers <= run_by_accounts


def test_every_method_of_the_client_has_its_verb():
    methods = {name for name, value in vars(KubernetesClient).items() if not name.startswith("_")}
    assert methods == VERBS.keys() | FREE | {"connect"}


@pytest.mark.parametrize("role", ["base/pipeline-rbac.yaml", "base/rollout-rbac.yaml"])
def test_names_can_be_given_where_kubernetes_knows_them(role: str):
    patches = yaml.safe_load(
        (ROOT / "manifests/components/by-name/kustomization.yaml").read_text()
    )["patches"]
    patch_by_name = {patch["target"]["name"]: yaml.safe_load(patch["patch"]) for patch in patches}
    documents = list(yaml.safe_load_all((ROOT / "manifests" / role).read_text()))
    (rules,) = [one["rules"] for one in documents if one["kind"] == "Role"]
    (name,) = {one["metadata"]["name"] for one in documents}
    for change in patch_by_name[name]:
        _, _, index, key = change["path"].split("/")
        if change["op"] == "test":
            assert rules[int(index)][key] == change["value"]
        else:
            assert not {"create", "list"} & set(rules[int(index)]["verbs"])
    named = {int(change["path"].split("/")[2]) for change in patch_by_name[name]}
    assert [index for index, rule in enumerate(rules) if "update" in rule["verbs"]] == sorted(named)
