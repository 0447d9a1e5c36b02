"""The manifests of the drift server fit each other, and the server itself."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml
from event_sender import Server, headers

FOLDER = Path(__file__).parents[3] / "manifests/components/drift-server"
POSTGRESQL = FOLDER.with_name("drift-server-postgresql")
WATCH = FOLDER.with_name("drift-watch")


def manifest(name):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text())


@pytest.fixture(scope="module")
def pod():
    return manifest("deployment")["spec"]["template"]


@pytest.fixture(scope="module")
def container(pod):
    (container,) = pod["spec"]["containers"]
    return container


def test_the_server_takes_the_arguments_and_answers_the_probes(container, tmp_path):
    server = Server(str(tmp_path / "events.db"), tmp_path)
    given = {"--store": server.store, "--host": "127.0.0.1", "--port": server.port}
    names = [argument.partition("=")[0] for argument in container["args"]]
    assert set(given) <= set(names)
    arguments = [
        f"{name}={given[name]}" if name in given else argument
        for name, argument in zip(names, container["args"], strict=True)
    ]
    with server.log.open("w") as log:
        command = [sys.executable, "-I", *container["command"][1:], *arguments]
        server.process = subprocess.Popen(command, stdout=log, stderr=log)
    server.wait()
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        asked = container[probe]["httpGet"]
        assert asked["port"] == container["ports"][0]["name"]
        assert httpx.get(server.url + asked["path"]).status_code == 200
    body = b'{"instances": [1]}'
    assert httpx.post(server.url, headers=headers("request", "a"), content=body).is_success
    server.stop()


def test_the_parts_name_each_other(pod, container):
    service, account, volume = map(manifest, ("service", "service-account", "volume"))
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    assert f"--port={container['ports'][0]['containerPort']}" in container["args"]
    assert pod["spec"]["serviceAccountName"] == account["metadata"]["name"]
    claims = [v.get("persistentVolumeClaim", {}).get("claimName") for v in pod["spec"]["volumes"]]
    assert volume["metadata"]["name"] in claims


def test_the_file_stays_smaller_than_its_volume(container):
    (most,) = [a.partition("=")[2] for a in container["args"] if a.startswith("--keep-megabytes")]
    size = manifest("volume")["spec"]["resources"]["requests"]["storage"]
    assert int(most) * 2**20 < 0.9 * int(size.removesuffix("Gi")) * 2**30


def test_it_needs_no_rights(pod, container):
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert security["capabilities"]["drop"] == ["ALL"]


def test_replicas_take_store_and_password_from_a_secret(container):
    patch = yaml.safe_load((POSTGRESQL / "replicas.yaml").read_text())
    (patched,) = patch["spec"]["template"]["spec"]["containers"]
    assert (patched["name"], patch["spec"]["replicas"]) == (container["name"], 2)
    found = {variable["name"]: variable["valueFrom"] for variable in patched["env"]}
    assert set(found) == {container["env"][0]["name"], "PGPASSWORD"}
    assert {source["secretKeyRef"]["name"] for source in found.values()} == {"kanaria-drift-store"}


def test_the_server_takes_the_file_of_what_is_watched(pod, container, tmp_path):
    kustomization = yaml.safe_load((WATCH / "kustomization.yaml").read_text())
    (patch,) = kustomization["patches"]
    added = {change["path"]: change["value"] for change in yaml.safe_load(patch["patch"])}
    (argument,) = [value for path, value in added.items() if path.endswith("/args/-")]
    (mount,) = [value for path, value in added.items() if path.endswith("/volumeMounts/-")]
    option, _, path = argument.partition("=")
    assert Path(path).parent == Path(mount["mountPath"])
    command = [sys.executable, "-I", *container["command"][1:], f"--store={tmp_path / 'events.db'}"]
    told = subprocess.run(
        [*command, f"{option}={tmp_path / 'no.yaml'}"], capture_output=True, text=True
    )
    assert told.returncode == 1
    assert "no.yaml" in told.stderr.splitlines()[-1]
