"""The manifests for Spark fit each other, the image and the code."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kanaria.components.shared.engines import spark_trial

ROOT = Path(__file__).parents[4]
MANIFESTS = ROOT / "manifests"
IN_IMAGE = "local:///opt/kanaria/lib/python3.11/site-packages/kanaria/"


@pytest.fixture(scope="module")
def application() -> dict[str, Any]:
    return yaml.safe_load((MANIFESTS / "components/spark-operator/application.yaml").read_text())


def test_the_application_runs_a_file_of_ours_with_the_images_python(application):
    main = application["spec"]["mainApplicationFile"]
    assert main.startswith(IN_IMAGE)
    assert ROOT / main.removeprefix(IN_IMAGE) == Path(spark_trial.__file__)
    assert application["spec"]["sparkConf"]["spark.pyspark.python"] == "/opt/kanaria/bin/python"


def test_the_driver_has_the_account_that_the_role_is_given_to(application):
    path = MANIFESTS / "components/spark/spark-driver-rbac.yaml"
    _, binding = yaml.safe_load_all(path.read_text())
    [subject] = binding["subjects"]
    assert application["spec"]["driver"]["serviceAccount"] == subject["name"]


def test_pods_of_spark_may_run_where_pods_are_restricted(application):
    for part in ("driver", "executor"):
        context = application["spec"][part]["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl, which renders manifests")
def test_an_overlay_of_runs_takes_both_and_gives_the_role_its_namespace(tmp_path: Path):
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    overlay = tmp_path / "manifests/overlay"
    overlay.mkdir()
    overlay.joinpath("kustomization.yaml").write_text(
        "namespace: team\nresources: [../runs]\n"
        "components: [../components/spark, ../components/spark-operator]\n"
    )
    command = ["kubectl", "kustomize", str(overlay)]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(rendered)}
    binding = objects["RoleBinding", "kanaria-spark"]
    assert binding["subjects"][0]["namespace"] == "team"
    assert objects["SparkApplication", "kanaria-spark-trial"]["metadata"]["namespace"] == "team"


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        (["python", "-c", "print('a step')"], {}, "a step"),
        (
            ["executor"],
            {
                "SPARK_JAVA_OPT_0": "-Dspark.driver.port=1",
                "SPARK_JAVA_OPT_1": "-Da=two words",
                "SPARK_EXECUTOR_MEMORY": "1g",
                "SPARK_HOME": "/spark",
                "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@10.0.0.1:1",
                "SPARK_EXECUTOR_ID": "3",
                "SPARK_EXECUTOR_CORES": "1",
                "SPARK_APPLICATION_ID": "app",
                "SPARK_EXECUTOR_POD_IP": "10.0.0.2",
                "SPARK_EXECUTOR_POD_NAME": "pod",
                "SPARK_RESOURCE_PROFILE_ID": "0",
            },
            '"-Dspark.driver.port=1" "-Da=two words" -Xms1g -Xmx1g'
            " -cp /opt/spark/conf:/spark/jars/*"
            " org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
            " --driver-url spark://CoarseGrainedScheduler@10.0.0.1:1 --executor-id 3 --cores 1"
            " --app-id app --hostname 10.0.0.2 --podName pod --resourceProfileId 0",
        ),
    ],
)
def test_a_pod_begins_as_an_executor_or_as_a_step(tmp_path: Path, words, environment, expected):
    java = tmp_path / "java"  # Only shows what it is given; the real one needs a driver.
    java.write_text('#!/bin/sh\noptions=${1#@}\nshift\necho $(cat "$options") "$@"\n')
    java.chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    done = subprocess.run(
        ["sh", str(ROOT / ".github/scripts/spark_pod.sh"), *words],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected
