"""Which steps of train_and_deploy run again on a cluster, by the rules of KFP's own cache."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from kfp_cache import Cache

from kanaria.components.shared.config import yaml_text
from kanaria.pipelines.local import plan
from kanaria.pipelines.local.plan import Plan
from kanaria.pipelines.submit import parameters
from kanaria.pipelines.submit import pipeline_package as packages
from kanaria.pipelines.submit.pipeline_package import Package

AFTER_TRAINING = {"evaluate-model", "bless-model", "fit-drift-detector"}
TRAINING = {"train-model"} | AFTER_TRAINING
TRANSFORMING = {"transform-data"} | TRAINING
DATA = {"ingest-data", "validate-data"} | TRANSFORMING
JUDGING = {"compare-data", "bless-model"}
"""What compares with the live release."""
FRESH = {"resolve-span", "resolve-deployed", "push-model", "rollout-model", "report-run"}
"""What reads or changes the world, always."""
MODULE = """
def preprocessing_fn(inputs):
    return inputs

def run_fn(fn_args):
    pass
"""


@pytest.fixture(scope="module")
def package() -> Package:
    return packages.read("train_and_deploy")


@pytest.fixture(scope="module")
def document(package: Package) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_text.parse(package.text, "")
    return parsed


class Cluster:
    """One user's files and a server's cache; `run` tells which steps executed."""

    def __init__(self, folder: Path, package: Package, pipeline: Plan) -> None:
        self.folder, self.package, self.pipeline = folder, package, pipeline
        self.cache = Cache()
        self.world = {"data": "rows", "release": "", "serving_statistics": ""}
        self.write("module.py", MODULE)
        self.write("eval.pbtxt", "metrics_specs {}\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def returned(self, output: str) -> Any:
        """Return what the resolving steps find; nothing reads what the others return."""
        return {**self.world, **self.reading}.get(output.rpartition("/")[2], "")

    def run(self, **settings: Any) -> set[str]:
        """Submit and run; return the steps that executed."""
        warm = settings.get("warm_start", False)
        self.reading = settings.get("reading", {})
        self.world["base_model"] = self.world["release"] if warm else ""
        arguments = {
            "data": "s3://bucket/data/*.csv",
            "module_file": str(self.folder / "module.py"),
            "eval_config_file": str(self.folder / "eval.pbtxt"),
            "service": {"name": "tips"},
            **settings,
        }
        root = f"file://{self.folder}/artifacts"
        sent = parameters.checked(self.package.interface, arguments, root)
        return self.executed(parameters.published(sent, root))

    def executed(self, sent: Mapping[str, Any]) -> set[str]:
        states = self.cache.run(self.pipeline, sent, self.returned)
        self.sent = sent
        return {name for name, state in states.items() if state == "executed"}


@pytest.fixture
def cluster(tmp_path: Path, package: Package, document: dict[str, Any]) -> Cluster:
    """A server on which the pipeline has run once, and pushed."""
    cluster = Cluster(tmp_path, package, plan.read(document))
    assert cluster.run() == FRESH | DATA | JUDGING
    cluster.world["release"] = "s3://bucket/models/tips/one"
    return cluster


def test_a_release_that_was_pushed_in_between_runs_no_data_step(cluster: Cluster):
    assert cluster.run() == FRESH | JUDGING
    assert cluster.run() == FRESH
    cluster.world["release"] = "s3://bucket/models/tips/two"
    assert cluster.run() == FRESH | JUDGING


def test_a_run_without_a_change_judges_nothing_again(cluster: Cluster):
    cluster.world["release"] = ""
    assert cluster.run() == FRESH


@pytest.mark.parametrize(
    ("settings", "executed"),
    [
        ({"train_steps": 7}, TRAINING),
        ({"seed": 7}, TRAINING),
        ({"hyperparameters": {"units": 7}}, TRAINING),
        ({"materialize": False}, TRANSFORMING),
        ({"custom_config": {"a": 1}}, TRANSFORMING),
        ({"schema_environment": "TRAINING"}, DATA - {"ingest-data"} | {"compare-data"}),
        ({"reading": {"splits": "train=3,eval=1"}}, DATA | JUDGING),
        ({"reading": {"separator": ";"}}, DATA | JUDGING),
        ({"service": {"name": "tips", "canaryTrafficPercent": 5}}, set()),
        ({"span": "3"}, set()),  # The data is the same, and so is its text.
    ],
)
def test_a_parameter_runs_exactly_what_depends_on_it(
    cluster: Cluster, settings: dict[str, Any], executed: set[str]
):
    cluster.run()
    assert cluster.run(**settings) == FRESH | executed
    assert cluster.run(**settings) == FRESH


def test_one_byte_of_the_eval_config_runs_evaluation_and_blessing(cluster: Cluster):
    cluster.run()
    cluster.write("eval.pbtxt", "metrics_specs {} \n")
    assert cluster.run() == FRESH | {"evaluate-model", "bless-model"}


def test_one_byte_of_the_module_runs_what_depends_on_it(cluster: Cluster):
    cluster.run()
    cluster.write("module.py", MODULE + "#")
    assert cluster.run() == FRESH | TRANSFORMING


def test_one_byte_of_a_helper_of_the_module_runs_what_depends_on_it(cluster: Cluster):
    cluster.write("sizes.py", "UNITS = 16\n")
    cluster.write("module.py", f"import sizes\n{MODULE}")
    cluster.run()
    cluster.write("sizes.py", "UNITS = 17\n")
    assert cluster.run() == FRESH | TRANSFORMING


def test_one_byte_of_the_data_runs_everything_behind_it(cluster: Cluster):
    cluster.run()
    cluster.world["data"] = "other rows"
    assert cluster.run() == FRESH | DATA | JUDGING


def test_other_serving_statistics_are_validated_against(cluster: Cluster):
    cluster.run()
    cluster.world["serving_statistics"] = "s3://bucket/serving#sha256=1"
    assert cluster.run() == FRESH | DATA - {"ingest-data"} | {"compare-data"}


def test_a_training_from_the_live_model_runs_anew_with_every_release(cluster: Cluster):
    cluster.run(warm_start=True)
    assert cluster.run(warm_start=True) == FRESH
    cluster.world["release"] = "s3://bucket/models/tips/two"
    assert cluster.run(warm_start=True) == FRESH | TRAINING | JUDGING


def test_another_image_of_a_step_runs_it_and_what_depends_on_it(
    cluster: Cluster, document: dict[str, Any]
):
    cluster.run()
    changed = deepcopy(document)
    executor = changed["deploymentSpec"]["executors"]["exec-train-model"]
    executor["container"]["image"] = "registry.example.com/training:2"
    cluster.pipeline = plan.read(changed)
    assert cluster.executed(cluster.sent) == FRESH | TRAINING


CRITICAL = [
    "resolve-span",
    "ingest-data",
    "validate-data",
    "transform-data",
    "train-model",
    "evaluate-model",
    "bless-model",
    "push-model",
]


def longest_way(to: str, tasks: Mapping[str, Any]) -> list[str]:
    """Return the longest chain of tasks that end before a task begins, and the task."""
    before = (longest_way(each, tasks) for each in tasks[to].get("dependentTasks", []))
    return [*max(before, key=len, default=[]), to]


def dags(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the tasks of the pipeline, and of everything nested in it."""
    yield document["root"]["dag"]["tasks"]
    yield from (c["dag"]["tasks"] for c in document["components"].values() if "dag" in c)


def test_the_longest_way_to_a_push_has_eight_tasks(document: dict[str, Any]):
    [tasks] = [tasks for tasks in dags(document) if "push-model" in tasks]
    assert longest_way("push-model", tasks) == CRITICAL


def test_no_condition_is_in_the_pipeline_and_no_step_only_raises(document: dict[str, Any]):
    # KFP 2.17 leaves what is around a condition RUNNING for ever when it is skipped.
    tasks = [task for tasks in dags(document) for task in tasks.values()]
    assert not [task for task in tasks if "condition" in task.get("triggerPolicy", {})]
    assert "exec-require-passed" not in document["deploymentSpec"]["executors"]


def test_no_reused_step_reads_an_artifact_of_a_step_that_always_runs(document: dict[str, Any]):
    # Its name would be a new one in every run.
    tasks = plan.read(document).tasks
    fresh = {task.name for task in tasks if not task.cached}
    read = {s.task for task in tasks if task.cached for s in task.artifacts.values()}
    assert {name.rpartition("/")[2] for name in fresh} == FRESH
    assert not fresh & read
