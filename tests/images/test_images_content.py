"""What is in the images and how they may be run."""

import json
from importlib.metadata import version

import pytest
import yaml
from container_engine import NOT_TO_BE_FOUND, ROOT, UV, Engine, output_of

RUNTIMES = ("training", "control")
ANY_USER = ("--user", "1000680000:0")  # As OpenShift gives one.
INSTALLED = """
import json
import re
from importlib.metadata import distributions
names = {d.name.lower().replace("_", "-").replace(".", "-"): d.version for d in distributions()}
print(json.dumps(names))
"""
IMPORT = """
import importlib, json, pkgutil, sys
for name in json.loads(sys.argv[1]):
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(getattr(package, "__path__", []), name + "."):
        importlib.import_module(found.name)
        print(found.name)
"""


def components_of(runtime: str) -> list[str]:
    """Return the packages of the components whose metadata names `runtime`."""
    names = set()
    for path in ROOT.glob("components/*/metadata.yaml"):
        entries = yaml.safe_load(path.read_text())
        for entry in entries if isinstance(entries, list) else [entries]:
            names |= {path.parent.name} if entry["runtime"] == runtime else set()
    assert names
    return [f"kanaria.components.{name}" for name in sorted(names)]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_image_runs_as_a_numbered_user_that_is_not_root(
    docker: Engine, images: dict[str, str], runtime: str
):
    assert docker.inspect(images[runtime])["Config"]["User"] == "65532:65532"
    assert docker.in_container(images[runtime], "id", "-u") == "65532"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_only_the_temporary_folder_takes_files(
    docker: Engine, images: dict[str, str], runtime: str
):
    script = "for d in / /opt/kanaria /var/tmp /run $HOME; do (: > $d/x) 2>&1; done; ls $HOME"
    output = docker.in_container(images[runtime], "sh", "-c", script)
    assert output.splitlines()[-1] == "x"
    assert output.count("cannot create") == 4
    find = ["find", "/opt/kanaria", "-not", "-type", "l", "-writable"]
    assert docker("run", "--rm", "--network", "none", images[runtime], *find) == ""


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_any_user_imports_every_module_of_the_components(
    docker: Engine, images: dict[str, str], runtime: str
):
    names = components_of(runtime)
    if runtime == "control":
        names += [
            "kanaria.serving.traffic",
            "kanaria.serving.rollout",
            "kanaria.serving.drift_server",
        ]
        names += ["kanaria.pipelines.compile", "kanaria.pipelines.local"]
    modules = docker.in_container(
        images[runtime], "python3", "-c", IMPORT, json.dumps(names), options=ANY_USER
    )
    assert {name.rpartition(".")[0] for name in modules.split()} >= set(components_of(runtime))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_command_line_tells_the_version(docker: Engine, images: dict[str, str], runtime: str):
    version_line = docker.in_container(images[runtime], "kanaria", "--version", options=ANY_USER)
    assert version_line == f"kanaria {version('kanaria')}"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_image_holds_the_packages_of_the_lock(
    docker: Engine, images: dict[str, str], runtime: str
):
    export = ["sh", ROOT / ".github/scripts/runtime_packages.sh", UV, ROOT, runtime]
    command = [*export, "--no-emit-project", "--no-hashes", "--no-header", "--no-annotate"]
    locked = dict(
        line.partition(" ;")[0].strip().split("==")
        for line in output_of(command, cwd=ROOT).splitlines()
    )
    held = json.loads(docker.in_container(images[runtime], "python3", "-I", "-c", INSTALLED))
    assert held.pop("kanaria") == version("kanaria")
    assert held.pop("tensorflow", None) == held.get("tensorflow-cpu")
    assert held == {name: number.partition("[")[0] for name, number in locked.items()}


def test_the_control_image_has_no_tensorflow_and_no_kserve(docker: Engine, images: dict[str, str]):
    held = json.loads(docker.in_container(images["control"], "python3", "-c", INSTALLED))
    assert not {"tensorflow", "tensorflow-cpu", "kserve", "apache-beam", "pyarrow"} & set(held)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_no_tool_of_the_build_is_left(docker: Engine, images: dict[str, str], runtime: str):
    script = "command -v g++ gcc cc uv pip3 | grep -v ^/usr; ls -d /source /dist /opt/* $HOME/*"
    output = docker("run", "--rm", images[runtime], "sh", "-c", f"{script} 2> /dev/null; true")
    assert output == "/opt/kanaria"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_no_setting_of_the_build_is_left(docker: Engine, images: dict[str, str], runtime: str):
    history = docker("history", "--no-trunc", images[runtime])
    texts = (history + json.dumps(docker.inspect(images[runtime]))).lower()
    for trace in (NOT_TO_BE_FOUND, "no_proxy", "index_url", "default_index", "certs"):
        assert trace not in texts


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_labels_tell_the_version_and_the_source(
    docker: Engine, images: dict[str, str], runtime: str
):
    labels = docker.inspect(images[runtime])["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == version("kanaria")
    revision = output_of(["git", "rev-parse", "HEAD"], cwd=ROOT)
    assert labels["org.opencontainers.image.revision"] == revision


def test_tfma_misses_no_package_of_the_image(docker: Engine, images: dict[str, str]):
    # It writes a missing module to standard error and goes on without half of its names.
    script = "python3 -c 'import tensorflow_model_analysis as t; t.EvalSharedModel' 2>&1"
    assert "Error importing" not in docker.in_container(images["training"], "sh", "-c", script)
