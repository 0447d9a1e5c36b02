"""The manifests of the drift server fit each other, and the server itself."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml
from event_sender import Server, headers

from kanaria.serving.drift_token import TOKEN_FILE

FOLDER = Path(__file__).parents[3] / "manifests/components/drift-server"
POSTGRESQL = FOLDER.with_name("drift-server-postgresql")
WATCH = FOLDER.with_name("drift-watch")
TOKEN = FOLDER.with_name("drift-token")


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
    replaced = {"--store": server.store, "--host": "127.0.0.1", "--port": server.port}
    names = [argument.partition("=")[0] for argument in container["args"]]
    assert set(replaced) <= set(names)
    arguments = [
        f"{name}={replaced[name]}" if name in replaced else argument
        for name, argument in zip(names, container["args"], strict=True)
    ]
    with server.log.open("w") as log:
        command = [sys.executable, "-I", *container["command"][1:], *arguments]
        server.process = subprocess.Popen(command, stdout=log, stderr=log)
    server.wait()
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        get = container[probe]["httpGet"]
        assert get["port"] == container["ports"][0]["name"]
        assert httpx.get(server.url + get["path"]).status_code == 200
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


def test_the_server_knows_the_namespace_of_what_it_watches(container):
    fields = {
        variable["name"]: variable["valueFrom"]["fieldRef"]["fieldPath"]
        for variable in container["env"]
        if "valueFrom" in variable
    }
    assert fields == {"KANARIA_NAMESPACE": "metadata.namespace"}


def test_replicas_take_store_and_password_from_a_secret(container):
    patch = yaml.safe_load((POSTGRESQL / "replicas.yaml").read_text())
    (patched,) = patch["spec"]["template"]["spec"]["containers"]
    assert (patched["name"], patch["spec"]["replicas"]) == (container["name"], 2)
    sources = {variable["name"]: variable["valueFrom"] for variable in patched["env"]}
    assert set(sources) == {container["env"][0]["name"], "PGPASSWORD"}
    assert {source["secretKeyRef"]["name"] for source in sources.values()} == {
        "kanaria-drift-store"
    }


def test_the_server_takes_the_file_of_what_is_watched(container, tmp_path):
    kustomization = yaml.safe_load((WATCH / "kustomization.yaml").read_text())
    (patch,) = kustomization["patches"]
    added = {change["path"]: change["value"] for change in yaml.safe_load(patch["patch"])}
    (argument,) = [value for path, value in added.items() if path.endswith("/args/-")]
    (mount,) = [value for path, value in added.items() if path.endswith("/volumeMounts/-")]
    option, _, path = argument.partition("=")
    assert Path(path).parent == Path(mount["mountPath"])
    command = [sys.executable, "-I", *container["command"][1:], f"--store={tmp_path / 'events.db'}"]
    ended = subprocess.run(
        [*command, f"{option}={tmp_path / 'no.yaml'}"], capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "no.yaml" in ended.stderr.splitlines()[-1]


def test_only_those_who_need_the_server_reach_it(pod, container):
    policy = manifest("network-policy")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert policy["policyTypes"] == ["Ingress"]
    (rule,) = policy["ingress"]
    assert rule["ports"] == [{"port": container["ports"][0]["name"]}]
    assert all(one.get("podSelector") or one.get("namespaceSelector") for one in rule["from"])
    controller = yaml.safe_load(
        (FOLDER.with_name("rollout-controller") / "deployment.yaml").read_text()
    )
    labels = controller["spec"]["template"]["metadata"]["labels"]
    assert {"podSelector": {"matchLabels": labels}} in rule["from"]
    assert (
        "network-policy.yaml"
        in yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    )


def test_server_and_controller_read_the_token_where_the_secret_is_mounted(tmp_path):
    kustomization = yaml.safe_load((TOKEN / "kustomization.yaml").read_text())
    (patch,) = [one["patch"] for one in kustomization["patches"] if "patch" in one]
    arguments = [change["value"] for change in yaml.safe_load(patch)]
    places = []
    for name in ("asked", "presented"):
        spec = yaml.safe_load((TOKEN / f"{name}.yaml").read_text())["spec"]["template"]["spec"]
        (mount,) = spec["containers"][0]["volumeMounts"]
        (volume,) = spec["volumes"]
        assert volume["name"] == mount["name"]
        assert volume["secret"] == {"secretName": "kanaria-drift-token"}
        places.append(Path(mount["mountPath"]))
    (presented,) = spec["containers"][0]["env"]
    assert presented["name"] == TOKEN_FILE
    assert {Path(presented["value"]).parent, Path(arguments[0].partition("=")[2]).parent} == {
        *places
    }
    (tmp_path / "token").write_text("0123456789abcdef0123456789abcdef")
    option = f"{arguments[0].partition('=')[0]}={tmp_path / 'token'}"
    server = Server(str(tmp_path / "events.db"), tmp_path, option, *arguments[1:])
    server.start()
    server.wait()
    event = httpx.post(server.url, headers=headers("request", "a"), content=b'{"instances": [1]}')
    assert (event.status_code, httpx.get(f"{server.url}/drift").status_code) == (200, 401)
    server.stop()
