"""The pages on clusters, command by command: a user who types it gets a green run."""

import base64
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import object_stores
import pytest
import yaml
from kfp_cluster import Cluster, cluster_of
from kfp_contract import Contract, serving
from kfp_state import Frame
from object_stores import Bucket

from kanaria.serving.doctor import launcher_secrets

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
PAGES = [ROOT / f"docs/how-to/{name}.md" for name in ("cluster", "resources", "server-runs")]
TEXT = "".join(page.read_text() for page in PAGES)
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
FILES = {
    name[1]: text
    for kind, text in BLOCKS
    if (name := re.match(r"# (\S+\.\w+)", text)) and kind != "sh"
}
"""Name -> content of the files that the section tells to write."""
COMMANDS = [
    line.split("  #")[0].strip()
    for kind, text in BLOCKS
    if kind == "sh"
    for line in text.splitlines()
]
RECORDS = """#!/bin/sh
printf '%s\\n' "$(basename "$0") $*" >> typed
"""
"""Of programs that a test cannot let act: a registry and a cluster of their own would be needed."""
Done = subprocess.CompletedProcess[str]


def s3(store: Bucket) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        aws_access_key_id=object_stores.KEY_ID,
        aws_secret_access_key=object_stores.SECRET,
        region_name="us-east-1",
    )


@pytest.fixture(scope="module")
def store() -> Iterator[Bucket]:
    """The README's bucket on a server of its own."""
    with object_stores.s3() as bucket:
        s3(bucket).create_bucket(Bucket="my-bucket")
        yield bucket


@dataclass
class User:
    """Who types the commands, in a folder with his module and the README's files."""

    folder: Path
    contract: Contract
    cluster: Cluster
    typed: str = ""
    scheduled: dict[str, Any] = field(default_factory=dict)

    def types(self, command: str) -> Done:
        """Run a command as it stands, the server's address aside."""
        if command.startswith(("kanaria runs show", "kanaria runs cancel")):
            self.lets_the_schedule_start_a_run()
        here = command.replace("https://kfp.example.com", self.contract.url)
        script = f"{self.typed}{here}\n"
        if command.startswith(("export ", "set ")):
            self.typed = script
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        if command.startswith("kubectl "):
            self.takes_effect(command)
        if command.startswith("kanaria schedule create"):
            (self.scheduled,) = self.contract.state.schedules.values()
        return done

    def environment(self) -> dict[str, str]:
        path = f"{self.folder}/bin:{BIN}:/usr/bin:/bin"
        kubeconfig = self.cluster.kubeconfig(self.folder / "kubeconfig")
        return {"PATH": path, "HOME": str(self.folder), "KUBECONFIG": str(kubeconfig)}

    def lets_the_schedule_start_a_run(self) -> None:
        """Let it be the only one that is called after the schedule."""
        state, schedule = self.contract.state, self.scheduled["recurring_run_id"]
        for run_id, run in list(state.runs.items()):
            if run.get("recurring_run_id") == schedule:
                del state.runs[run_id]
        started = state.start_of_schedule(schedule, "nightly-1")
        state.ends.frames[started] = [*[Frame("RUNNING")] * 3, Frame("SUCCEEDED")]

    def takes_effect(self, command: str) -> None:
        """Do in the contract's cluster what kubectl does in a real one."""
        words = shlex.split(command)
        if words[1] == "apply":
            self.cluster.accounts.apply(ROOT / words[3])
        elif words[1:4] == ["create", "secret", "generic"]:
            self.cluster.objects[self.place("secrets", words[4], command)] = {
                "data": encoded(self.folder / option("from-env-file", command))
            }
        else:
            place = self.place("configmaps", words[3], command)
            patch = yaml.safe_load((self.folder / option("patch-file", command)).read_text())
            before = self.cluster.objects[place]["data"]
            self.cluster.objects[place] = {"data": {**before, **patch["data"]}}

    def place(self, kind: str, name: str, command: str) -> str:
        return f"/api/v1/namespaces/{option('namespace', command)}/{kind}/{name}"


def option(name: str, command: str) -> str:
    match = re.search(rf"--{name}[= ](\S+)", command)
    assert match, f"{command}: no --{name}"
    return match[1]


def encoded(file: Path) -> dict[str, str]:
    """Return what kubectl makes of an env file."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    pairs = (line.split("=", 1) for line in lines)
    return {key: base64.b64encode(value.encode()).decode() for key, value in pairs}


def newcomer(contract: Contract, store: Bucket, cluster: Cluster, folder: Path) -> User:
    """Return a user with the files of the README, and a module of his own."""
    secrets = iter((object_stores.KEY_ID, object_stores.SECRET))
    for name, text in FILES.items():
        own = re.sub(r"\.\.\.$", lambda _: next(secrets), text, flags=re.MULTILINE)
        (folder / name).write_text(own.replace("https://s3.example.com", store.endpoint))
    (folder / "my_module.py").write_text("def run_fn(fn_args):\n    pass\n")
    (folder / "eval_config.pbtxt").write_text("")
    (folder / "bin").mkdir()
    for name in ("kubectl", "docker", "make"):
        program = folder / "bin" / name
        program.write_text(RECORDS)
        program.chmod(0o700)
    return User(folder=folder, contract=contract, cluster=cluster)


@pytest.fixture
def user(contract: Contract, store: Bucket, tmp_path: Path) -> Iterator[User]:
    with cluster_of(contract.state.accounts) as cluster:
        yield newcomer(contract, store, cluster, tmp_path)


@dataclass(frozen=True)
class Walk:
    """A user after the last command, and what each of them answered."""

    user: User
    answers: dict[str, Done]

    def said(self, start: str) -> str:
        return next(done.stdout for c, done in self.answers.items() if c.startswith(start))


@pytest.fixture(scope="module")
def walk(store: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with serving() as contract, cluster_of(contract.state.accounts) as cluster:
        user = newcomer(contract, store, cluster, tmp_path_factory.mktemp("user"))
        yield Walk(user=user, answers={command: user.types(command) for command in COMMANDS})


def test_who_types_every_command_gets_a_green_run(walk: Walk, store: Bucket):
    for command, answer in walk.answers.items():
        assert answer.returncode == 0, (command, answer.stdout, answer.stderr)
    doctor = walk.said("kanaria doctor")
    for subject in ("kfp rights", "rights", "account"):
        assert re.search(rf"^{subject} +ok ", doctor, re.MULTILINE), doctor
    assert "by Secret mlpipeline-minio-artifact, Secret kanaria-store" in doctor
    account = "account: kanaria-pipeline (namespace kubeflow has it)"
    assert account in walk.said("kanaria submit")
    assert account in walk.said("kanaria schedule create")
    assert "succeeded after" in walk.said("kanaria submit")
    assert walk.said("kanaria schedule list").startswith("nightly")
    assert "nightly-1" in walk.said("kanaria runs show")
    stored = s3(store).list_objects_v2(Bucket="my-bucket", Prefix="artifacts/files/")["Contents"]
    assert {Path(entry["Key"]).suffix for entry in stored} == {".zip", ".pbtxt"}


def test_the_run_and_the_schedule_get_what_the_commands_say(walk: Walk):
    state, nightly = walk.user.contract.state, walk.user.scheduled
    (run,) = (entry for entry in state.runs.values() if "recurring_run_id" not in entry)
    for entry in (run, nightly):
        assert entry["service_account"] == "kanaria-pipeline"
        sent = entry["runtime_config"]["parameters"]
        assert sent["service"]["namespace"] == "team"
        assert sent["module_file"].startswith("s3://my-bucket/artifacts/files/")
        assert sent["model_root"] == "s3://my-bucket/artifacts/models"
    assert nightly["trigger"]["cron_schedule"]["cron"] == "0 0 6 * * *"
    assert nightly["runtime_config"]["parameters"]["span"] == "schedule-time"
    text = state.texts[run["pipeline_version_reference"]["pipeline_version_id"]]
    document, platform = yaml.safe_load_all(text)
    images = {e["container"]["image"] for e in document["deploymentSpec"]["executors"].values()}
    assert all(image.startswith("registry.example.com/ml/kanaria-") for image in images)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors.keys() == document["deploymentSpec"]["executors"].keys()
    for executor in executors.values():
        names = {secret["secretName"] for secret in executor["secretAsEnv"]}
        assert names == {"kanaria-store"}


def test_without_the_manifests_the_doctor_names_what_lacks_and_the_run_is_red(user: User):
    left = ("set", "export", "kubectl create", "kubectl patch", "kanaria doctor", "kanaria submit")
    done = {command: user.types(command) for command in COMMANDS if command.startswith(left)}
    *_, doctor, _, _, submit = done.values()
    assert doctor.returncode == 1
    assert "there is no ServiceAccount kubeflow/kanaria-pipeline" in doctor.stdout
    assert submit.returncode == 1
    assert "account: the one of KFP (namespace kubeflow has no ServiceAccount" in submit.stdout


def test_the_provider_is_one_that_kfp_reads(user: User):
    data = yaml.safe_load(FILES["launcher.yaml"])["data"]
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    assert launcher_secrets.secrets(data) == (launcher_secrets.OWN_SECRET, ("kanaria-store", keys))
    assert set(keys) <= encoded(user.folder / "store.env").keys()
    entry = yaml.safe_load(data["providers"])["s3"]["default"]
    fields = {"endpoint", "region", "disableSSL", "forcePathStyle", "credentials", "maxRetries"}
    assert entry.keys() <= fields
    assert entry["region"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl: it reads the commands")
def test_kubectl_understands_the_commands(user: User):
    """As far as it goes without a cluster: it renders, and makes and patches objects here."""
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kfp-launcher"}}
    (user.folder / "map.yaml").write_text(yaml.safe_dump({**bare, "data": {"a": "b"}}))

    def kubectl(command: str) -> list[dict[str, object]]:
        done = subprocess.run(
            ["kubectl", *shlex.split(command)],
            cwd=user.folder,
            env={**user.environment(), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (command, done.stderr)
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    for command in (c.removeprefix("kubectl ") for c in COMMANDS if c.startswith("kubectl ")):
        if command.startswith("apply -k "):
            assert kubectl(f"kustomize {ROOT}/{command.removeprefix('apply -k ')}")
        elif command.startswith("create "):
            (secret,) = kubectl(f"{command} --dry-run=client -o yaml")
            assert secret["data"] == encoded(user.folder / "store.env")
        else:
            local = command.replace("configmap kfp-launcher", "--local -f map.yaml -o yaml")
            (manifest,) = kubectl(local)
            assert manifest["data"].keys() == {"a", "providers"}
