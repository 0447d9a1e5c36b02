"""The accounts of runs and what they may do, as measured on Kubeflow Pipelines 2.17.0.

A run has the account that it names, else KFP's own. What an account lacks ends the run:

it lacks                                  the run
----------------------------------------  ----------------------------------------------------
itself (there is no such ServiceAccount)  fails without a task: no pod can be made
workflowtaskresults create, patch         fails at its first task (Argo's phase is Error)
secrets get                               fails at its first task ("failed to get Bucket ...")
inferenceservices get                     fails at the first task that delivers (403)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from kfp_strict import RefusedError

Right = tuple[str, str]
REPORT_RESULTS = {("workflowtaskresults", "create"), ("workflowtaskresults", "patch")}
STORE = {("secrets", "get")}
DELIVERY = {("inferenceservices", "get")}
DELIVERING = ("resolve-deployed", "push-model", "rollout-model", "promote-model")
OWN = "pipeline-runner"
"""KFP's own account of runs where there are no profiles."""


@dataclass
class Accounts:
    """Accounts of the namespace of runs, each with its rights.

    Attributes:
        rights: account -> rights.
        schedules_drop_them: as KFP 2.15 and 2.16 do (issue 13311).
        allowed: accounts that may be named; None for all. As KFP after 2.17 does (pull request
            14181); its words are not known here.
    """

    rights: dict[str, set[Right]] = field(default_factory=lambda: {OWN: REPORT_RESULTS | STORE})
    schedules_drop_them: bool = False
    allowed: set[str] | None = None

    def check(self, body: dict[str, Any]) -> None:
        account = body.get("service_account", "")
        if account and self.allowed is not None and account not in self.allowed:
            raise RefusedError(403, 7, f"ServiceAccount {account} is not allowed")

    def of_run(self, body: dict[str, Any]) -> str:
        return str(body.get("service_account") or OWN)

    def of_schedule(self, body: dict[str, Any]) -> str:
        return OWN if self.schedules_drop_them else self.of_run(body)

    def failing(self, account: str, tasks: list[str]) -> dict[str, str] | None:
        """Return the tasks' states of a run that fails for its account, None for one that goes on.

        Args:
            account: of the run.
            tasks: in the order in which they run.
        """
        if account not in self.rights:
            return {}
        has = self.rights[account]
        if not has >= (REPORT_RESULTS | STORE):
            return {tasks[0]: "FAILED"}
        refused = [task for task in tasks if task in DELIVERING and not has >= DELIVERY]
        if not refused:
            return None
        before = tasks[: tasks.index(refused[0])]
        return {**dict.fromkeys(before, "SUCCEEDED"), refused[0]: "FAILED"}

    def may(self, account: str, resource: str, verb: str) -> bool:
        return (resource, verb) in self.rights.get(account, set())

    def apply(self, folder: Path) -> None:
        """Take in what a folder of manifests installs, as `kubectl apply -k` does."""
        documents = list(resources(folder))
        roles = {
            one["metadata"]["name"]: {
                (resource, verb)
                for rule in one["rules"]
                for resource in rule["resources"]
                for verb in rule["verbs"]
            }
            for one in documents
            if one["kind"] in ("Role", "ClusterRole")
        }
        for one in documents:
            if one["kind"] == "ServiceAccount":
                self.rights.setdefault(one["metadata"]["name"], set())
        for one in documents:
            if one["kind"] == "RoleBinding":
                for subject in one["subjects"]:
                    if subject["name"] in self.rights:
                        self.rights[subject["name"]] |= roles.get(one["roleRef"]["name"], set())


def steps_in_order(document: dict[str, Any], tasks: dict[str, Any]) -> Iterator[str]:
    """Yield the tasks that have a pod, of branches and handlers too, as they may run."""
    needed = {name: task.get("dependentTasks", ()) for name, task in tasks.items()}
    for name in TopologicalSorter(needed).static_order():
        component = document["components"].get(tasks[name]["componentRef"]["name"], {})
        inner = component.get("dag", {}).get("tasks")
        yield from steps_in_order(document, inner) if inner else (name,)


def resources(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a kustomization and of those that it takes in, unchanged."""
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    for path in (folder / name for name in listed):
        if path.is_dir():
            yield from resources(path)
        else:
            yield from yaml.safe_load_all(path.read_text())
