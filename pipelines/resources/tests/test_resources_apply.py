"""Which steps get what, and how settings meet those that are there already."""

from pathlib import Path
from typing import Any

import kfp_toys
import pytest
import yaml
from kfp import kubernetes

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.resources import settings_of_steps
from kanaria.pipelines.resources.apply_settings import applied

VARIABLE = {"env": [{"name": "A", "value": "1"}]}


def executors(documents: list[Any]) -> dict[str, Any]:
    return documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def containers(documents: list[Any]) -> dict[str, Any]:
    executors_by_label = documents[0]["deploymentSpec"]["executors"]
    return {label: executor["container"] for label, executor in executors_by_label.items()}


def test_what_all_steps_get_reaches_every_one(tmp_path: Path):
    said = {"all": {"labels": {"team": "x"}, "resources": {"requests": {"cpu": 1}}}}
    documents = applied(kfp_toys.nested(tmp_path), settings_of_steps.of(said))
    labels = {"podMetadata": {"labels": {"team": "x"}}}
    assert executors(documents) == {"exec-cook": labels, "exec-serve": labels}
    requests = {one["resources"]["resourceCpuRequest"] for one in containers(documents).values()}
    assert requests == {"1"}


def test_a_steps_own_settings_go_over_those_of_all(tmp_path: Path):
    said = {
        "all": {
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
            "env": [{"name": "A", "value": "all"}, {"name": "B", "value": "all"}],
            "volumes": [{"mountPath": "/d/", "emptyDir": {}}],
            "tolerations": [{"key": "team", "operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
        },
        "cook": {
            "resources": {"requests": {"cpu": 2}},
            "env": [{"name": "A", "value": "own"}],
            "volumes": [{"mountPath": "/d", "secret": {"secretName": "s"}}],
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
        },
    }
    documents = applied(kfp_toys.meal(tmp_path), settings_of_steps.of(said))
    cook, serve = containers(documents)["exec-cook"], containers(documents)["exec-serve"]
    assert cook["resources"]["resourceCpuRequest"] == "2"
    assert cook["resources"]["resourceMemoryRequest"] == "1Gi"
    assert {one["name"]: one["value"] for one in cook["env"]} == {"A": "own", "B": "all"}
    assert {one["name"]: one["value"] for one in serve["env"]} == {"A": "all", "B": "all"}
    pods = executors(documents)
    assert [t["key"] for t in pods["exec-cook"]["tolerations"]] == ["team", "gpu"]
    assert "emptyDirMounts" not in pods["exec-cook"]
    assert [one["mountPath"] for one in pods["exec-cook"]["secretAsVolume"]] == ["/d"]
    assert [one["mountPath"] for one in pods["exec-serve"]["emptyDirMounts"]] == ["/d"]


@pytest.mark.parametrize("name", ["cook", "First dish"])
def test_a_step_is_named_by_its_task_or_as_the_ui_shows_it(name: str, tmp_path: Path):
    documents = applied(kfp_toys.nested(tmp_path), settings_of_steps.of({name: VARIABLE}))
    assert containers(documents)["exec-cook"]["env"] == [{"name": "A", "value": "1"}]
    assert "env" not in containers(documents)["exec-serve"]


def test_underscores_in_a_steps_name_are_dashes(tmp_path: Path):
    documents = applied(kfp_toys.courses(tmp_path), settings_of_steps.of({"cook_2": VARIABLE}))
    second = documents[0]["root"]["dag"]["tasks"]["cook-2"]["componentRef"]["name"]
    assert second == "comp-cook-2"
    assert "env" not in containers(documents)["exec-cook"]
    assert containers(documents)["exec-cook-2"]["env"] == [{"name": "A", "value": "1"}]


def test_two_tasks_with_equal_settings_go_on_sharing_a_component(tmp_path: Path):
    plain = kfp_toys.sharing(tmp_path)
    documents = applied(plain, settings_of_steps.of({"cook": VARIABLE, "cook-2": VARIABLE}))
    assert list(documents[0]["components"]) == ["comp-cook"]
    assert containers(documents)["exec-cook"]["env"] == [{"name": "A", "value": "1"}]


def test_two_tasks_of_a_component_may_differ_and_neither_be_as_before(tmp_path: Path):
    other = {"env": [{"name": "A", "value": "2"}], "labels": {"a": "b"}}
    plain = kfp_toys.sharing(tmp_path)
    taken = applied(plain, settings_of_steps.of({"cook": VARIABLE, "cook-2": other}))
    tasks = taken[0]["root"]["dag"]["tasks"]
    values = {}
    for name in ("cook", "cook-2"):
        component = taken[0]["components"][tasks[name]["componentRef"]["name"]]
        label = component["executorLabel"]
        values[name] = (
            containers(taken)[label]["env"][0]["value"],
            label in executors(taken),
        )
    assert values == {"cook": ("1", False), "cook-2": ("2", True)}


def test_what_the_pipeline_says_itself_stays_or_gives_way(tmp_path: Path):
    def change(task: Any) -> None:
        task.set_env_variable("A", "pipeline").set_env_variable("B", "pipeline")
        task.set_memory_limit("4Gi")
        kubernetes.use_secret_as_env(task, "old", {"x": "C", "y": "D"})
        kubernetes.use_secret_as_volume(task, "old", "/old")
        kubernetes.add_pod_label(task, "team", "x")
        kubernetes.add_node_selector_json(task, {"pool": "small"})

    said = {
        "resources": {"requests": {"memory": "1Gi"}},
        "env": [
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "new", "key": "a"}}},
            {"name": "C", "value": "own"},
        ],
        "volumes": [{"mountPath": "/new", "secret": {"secretName": "new"}}],
        "labels": {"cost": "y"},
        "nodeSelector": {"pool": "big"},
    }
    before = kfp_toys.meal(tmp_path, change)
    documents = applied(before, settings_of_steps.of({"cook": said}))
    container, pod = containers(documents)["exec-cook"], executors(documents)["exec-cook"]
    assert {one["name"]: one["value"] for one in container["env"]} == {"B": "pipeline", "C": "own"}
    assert container["resources"]["resourceMemoryLimit"] == "4Gi"
    assert container["resources"]["resourceMemoryRequest"] == "1Gi"
    variables = {pair["envVar"] for one in pod["secretAsEnv"] for pair in one["keyToEnv"]}
    assert variables == {"A", "D"}
    assert [one["mountPath"] for one in pod["secretAsVolume"]] == ["/old", "/new"]
    assert pod["podMetadata"] == {"labels": {"team": "x", "cost": "y"}}
    assert pod["nodeSelector"] == {"labels": {"pool": "big"}}
    assert before == kfp_toys.meal(tmp_path, change)


def test_the_order_of_a_file_does_not_matter(tmp_path: Path):
    said = {"serve": VARIABLE, "all": {"labels": {"b": "1", "a": "2"}}, "cook": {}}
    first = applied(kfp_toys.meal(tmp_path), settings_of_steps.of(said))
    second = applied(kfp_toys.meal(tmp_path), settings_of_steps.of(dict(reversed(said.items()))))
    assert yaml.safe_dump_all(first) == yaml.safe_dump_all(second)


def test_nothing_said_leaves_the_pipeline_as_it_is(tmp_path: Path):
    for said in ({}, {"all": None}, {"all": {}}, {"cook": {"nodeSelector": None}}):
        documents = applied(kfp_toys.meal(tmp_path), settings_of_steps.of(said))
        assert documents == kfp_toys.meal(tmp_path)


def test_a_request_above_the_pipelines_own_limit_is_an_error(tmp_path: Path):
    before = kfp_toys.meal(tmp_path, lambda task: task.set_memory_limit("1Gi"))
    said = {"cook": {"resources": {"requests": {"memory": "2Gi"}}}}
    with pytest.raises(ParameterError, match=r"cook: .*memory='2Gi': .*limit, '1Gi'; set both"):
        applied(before, settings_of_steps.of(said))


def test_a_volume_that_the_pipeline_mounts_elsewhere_is_an_error(tmp_path: Path):
    before = kfp_toys.meal(tmp_path, lambda task: kubernetes.mount_pvc(task, "d", "/x"))
    said = {"volumes": [{"mountPath": "/y", "persistentVolumeClaim": {"claimName": "d"}}]}
    with pytest.raises(ParameterError, match="'d' is mounted at /x and at /y"):
        applied(before, settings_of_steps.of({"cook": said}))


def test_every_variable_comes_from_one_place_the_most_exact(tmp_path: Path):
    said = {
        "all": {
            "envFrom": [
                {"secretRef": {"name": "store"}},
                {"secretRef": {"name": "warehouse"}, "prefix": "PG"},
                {"configMapRef": {"name": "places"}, "keys": ["AWS_ENDPOINT_URL", "PGHOST"]},
            ],
            "env": [{"name": "AWS_REGION", "value": "eu-1"}],
        }
    }
    documents = applied(kfp_toys.meal(tmp_path), settings_of_steps.of(said))
    pod = executors(documents)["exec-cook"]
    variables_by_source = {
        one.get("secretName") or one["configMapName"]: [pair["envVar"] for pair in one["keyToEnv"]]
        for one in pod["secretAsEnv"] + pod["configMapAsEnv"]
    }
    names = [name for variables in variables_by_source.values() for name in variables]
    assert len(names) == len(set(names))
    assert variables_by_source["places"] == ["AWS_ENDPOINT_URL", "PGHOST"]
    assert {"PGUSER", "PGPASSWORD"} <= set(variables_by_source["warehouse"])
    assert "AWS_ACCESS_KEY_ID" in variables_by_source["store"]
    assert "AWS_REGION" not in names
    assert containers(documents)["exec-cook"]["env"] == [{"name": "AWS_REGION", "value": "eu-1"}]
