"""Every image's bill of materials is what it holds, and what its own runtime is for runs in it."""

import json
from collections.abc import Callable, Iterator

import pytest
from container_engine import ROOT, Engine, make

PREFIX = "kanaria-test"
ANY_USER = ("--user", "1000680000:0")  # As OpenShift gives one.
LOCKED = ("training", "control")
SPARK = """
from pyspark.sql import SparkSession
session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
print(session.range(1000).selectExpr("sum(id)").collect()[0][0], session.sparkContext.sparkUser())
"""
RUNTIMES = (*LOCKED, "explain", "feast", "spark")
HELD = """
import json
from importlib.metadata import distributions
def plain(name):
    return name.lower().replace("_", "-").replace(".", "-")
held = {plain(d.name): d.version for d in distributions()}
bill = json.load(open("/opt/kanaria/sbom.cdx.json"))
def listed(kind):
    return [c for c in bill["components"] if c["purl"].startswith(f"pkg:{kind}/")]
print(json.dumps({
    "name": bill["metadata"]["component"]["name"],
    "held": held,
    "python": {plain(c["name"]): c["version"] for c in listed("pypi")},
    "debian": sorted(f"{c['name']} {c['version']}" for c in listed("deb")),
}))
"""
DEBIAN = "dpkg-query --show --showformat '${Package} ${Version}\\n'"
EXPLAIN = """
import numpy as np, shap
weights = np.array([1.0, -2.0, 4.0])
explainer = shap.PermutationExplainer(lambda rows: rows @ weights, np.zeros((1, 3)))
print(*np.round(explainer(np.array([[1.0, 2.0, 3.0]])).values[0], 9))
"""
STORE = """
import datetime, pathlib
import pyarrow as pa, pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Int64
day = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
pathlib.Path("/tmp/repo").mkdir()
pathlib.Path("/tmp/repo/feature_store.yaml").write_text(
    "project: p\\nprovider: local\\nregistry: registry.db\\nentity_key_serialization_version: 3\\n"
    "offline_store: {type: file}\\nonline_store: {type: sqlite, path: online.db}\\n")
rows = [{"driver_id": 7, "event_timestamp": day, "n": 2**60 + 1}]
pq.write_table(pa.Table.from_pylist(rows), "/tmp/repo/stats.parquet")
view = FeatureView(name="stats", entities=[driver := Entity(
    name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)],
    schema=[Field(name="n", dtype=Int64)],
    source=FileSource(path="stats.parquet", timestamp_field="event_timestamp"))
store = FeatureStore(repo_path="/tmp/repo")
store.apply([driver, view])
store.materialize(day, day + datetime.timedelta(days=1))
print(store.get_online_features(["stats:n"], [{"driver_id": 7}]).to_dict()["n"])
"""
Images = Callable[[str], str]


@pytest.fixture(scope="module")
def image_of(docker: Engine, base: str, images: dict[str, str]) -> Iterator[Images]:
    """Return the image of a runtime, which is built when it is first asked for."""
    built = dict(images)

    def image(runtime: str) -> str:
        if runtime not in built:
            line = make(f"image-{runtime}", ROOT, docker, base, PREFIX)[-1]
            print(line)  # pytest shows it with -s or -rP.
            built[runtime] = line.split()[0]
        return built[runtime]

    yield image
    if more := [tag for runtime, tag in built.items() if runtime not in images]:
        docker("image", "rm", "--force", *more)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_bill_names_what_is_installed_and_no_more(
    docker: Engine, image_of: Images, runtime: str
):
    tag = image_of(runtime)
    bill = json.loads(docker.in_container(tag, "python3", "-I", "-c", HELD, options=ANY_USER))
    assert bill["name"] == f"kanaria-{'training-' * (runtime == 'spark')}{runtime}"
    held = bill["held"]
    assert held.pop("kanaria")
    # TensorFlow's packages ask for it by the name that it has with GPUs.
    assert held.pop("tensorflow", None) == held.get("tensorflow-cpu")
    assert bill["python"] == held
    assert bill["debian"] == sorted(docker.in_container(tag, "sh", "-c", DEBIAN).splitlines())


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_user_without_a_name_has_one_for_libraries(
    docker: Engine, image_of: Images, runtime: str
):
    code = "import getpass, os; print(getpass.getuser(), os.path.expanduser('~'))"
    output = docker.in_container(image_of(runtime), "python3", "-c", code, options=ANY_USER)
    assert output == "kanaria /tmp"


def test_the_image_of_explainers_explains(docker: Engine, image_of: Images):
    tag = image_of("explain")
    command = ["python", "-m", "kanaria.serving.explainer", "--help"]
    assert "--predictor_host" in docker.in_container(tag, *command, options=ANY_USER)
    assert docker.in_container(tag, "python", "-c", EXPLAIN, options=ANY_USER) == "1.0 -4.0 12.0"


def test_the_image_of_the_feature_store_keeps_and_serves(docker: Engine, image_of: Images):
    tag = image_of("feast")
    steps = "import kanaria.components.join.join, kanaria.components.join.materialize"
    docker.in_container(tag, "python", "-c", steps, options=ANY_USER)
    assert "serve" in docker.in_container(tag, "feast", "--help", options=ANY_USER)
    output = docker.in_container(tag, "python", "-W", "ignore", "-c", STORE, options=ANY_USER)
    assert output.splitlines()[-1] == str([2**60 + 1])


def test_a_user_without_a_name_runs_spark(docker: Engine, image_of: Images):
    options = (*ANY_USER, "--env", "SPARK_LOCAL_IP=127.0.0.1")
    output = docker.in_container(image_of("spark"), "python", "-c", SPARK, options=options)
    total, user = output.splitlines()[-1].split()
    assert (total, user != "") == ("499500", True)
