"""Writes what kfp made of settings into a compiled pipeline. Pure.

A component that two tasks use has one executor for both, and KFP keeps a pod's settings by
component. So where two tasks differ, each gets a component of its own, named as kfp does: comp-x-2.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from kanaria.pipelines.resources.kfp_task import Form
from kanaria.pipelines.resources.pod_tasks import Leaf
from kanaria.pipelines.resources.settings_merge import text

MOUNTS = (
    "pvcMount",
    "secretAsVolume",
    "configMapAsVolume",
    "emptyDirMounts",
    "genericEphemeralVolume",
)
KEYED = ("secretAsEnv", "configMapAsEnv")
FIELDS = "fieldPathAsEnv"
REPLACED = ("nodeAffinity",)
Pairs = list[tuple[Leaf, Form | None]]


def write(document: dict[str, Any], platform: dict[str, Any], steps: Pairs) -> None:
    """Write the forms of settings into both documents.

    Args:
        document: the compiled pipeline.
        platform: the platform's document; {"platforms": {}} when there was none.
        steps: every step, and what its settings became; None for none.
    """
    writer = _Writer(document, platform)
    components = sorted({leaf.component for leaf, _ in steps})
    for component in components:
        users = [(leaf, form) for leaf, form in steps if leaf.component == component]
        writer.component(component, users)
    for leaf, form in steps:
        leaf.task.update(form.task if form else {})


def _key(form: Form | None) -> str:
    """Return what is equal for forms of one executor, "" for those that leave it as it is."""
    said = form and (form.container or form.kubernetes)
    return text([form.container, form.kubernetes]) if form and said else ""


class _Writer:
    """Both documents, and the executors as they were."""

    def __init__(self, document: dict[str, Any], platform: dict[str, Any]) -> None:
        self.components = document["components"]
        self.executors = document["deploymentSpec"]["executors"]
        self.platforms = platform["platforms"]
        executors = (
            self.platforms.get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
        )
        self.before = copy.deepcopy((self.executors, executors))
        self.used_labels: set[str] = set()

    def component(self, name: str, users: Pairs) -> None:
        """Write the settings of the tasks that use a component."""
        forms = {_key(form): form for _, form in users}
        for key in sorted(forms):  # "" comes first: who says nothing keeps the name.
            own, label = self.place(name)
            form = forms[key]
            if form and key:
                self.executor(label, form)
            for leaf, other in users:
                if _key(other) == key:
                    leaf.task["componentRef"]["name"] = own

    def place(self, name: str) -> tuple[str, str]:
        """Return a component and an executor that nobody else has, as they were."""
        component = self.components[name]
        label = component["executorLabel"]
        if label not in self.used_labels:
            self.used_labels.add(label)
            return name, label
        number = 2
        while f"{name}-{number}" in self.components or f"{label}-{number}" in self.executors:
            number += 1
        own, other = f"{name}-{number}", f"{label}-{number}"
        self.components[own] = {**copy.deepcopy(component), "executorLabel": other}
        executors, before = self.before
        self.executors[other] = copy.deepcopy(executors[label])
        if label in before:
            self.kubernetes()[other] = copy.deepcopy(before[label])
        self.used_labels.add(other)
        return own, other

    def kubernetes(self) -> dict[str, Any]:
        """Return the executors of the platform's document."""
        specification = self.platforms.setdefault("kubernetes", {}).setdefault("deploymentSpec", {})
        return specification.setdefault("executors", {})

    def executor(self, label: str, form: Form) -> None:
        """Write a form into an executor and its part of the platform's document."""
        container = self.executors[label]["container"]
        said = {one["name"] for one in form.container.get("env", [])} | _variables(form.kubernetes)
        other_variables = [one for one in container.get("env", []) if one["name"] not in said]
        env = other_variables + list(form.container.get("env", []))
        resources = {**container.get("resources", {}), **form.container.get("resources", {})}
        container.update({"image": form.container.get("image", container["image"])})
        container.update({n: v for n, v in (("env", env), ("resources", resources)) if v})
        if not env:
            container.pop("env", None)
        before = self.before[1].get(label) or self.kubernetes_of(label)
        if form.kubernetes or before:
            self.kubernetes()[label] = _over(
                _without(before, said, form.kubernetes), form.kubernetes
            )

    def kubernetes_of(self, label: str) -> dict[str, Any]:
        """Return what the platform's document has for an executor that was made here."""
        place = self.platforms.get("kubernetes", {}).get("deploymentSpec", {})
        return place.get("executors", {}).get(label, {})


def _variables(kubernetes: Mapping[str, Any]) -> set[str]:
    keyed = [
        pair["envVar"]
        for kind in KEYED
        for one in kubernetes.get(kind, [])
        for pair in one["keyToEnv"]
    ]
    return {*keyed, *(one["name"] for one in kubernetes.get(FIELDS, []))}


def _without(
    before: Mapping[str, Any], variables: Iterable[str], over: Mapping[str, Any]
) -> dict[str, Any]:
    """Leave out what the new settings say otherwise: variables, and volumes at a place."""
    result = dict(before)
    paths = {one["mountPath"] for kind in MOUNTS for one in over.get(kind, [])}
    for kind in MOUNTS:
        result[kind] = [one for one in before.get(kind, []) if one["mountPath"] not in paths]
    for kind in KEYED:
        sources = [
            {**one, "keyToEnv": [p for p in one["keyToEnv"] if p["envVar"] not in variables]}
            for one in before.get(kind, [])
        ]
        result[kind] = [one for one in sources if one["keyToEnv"]]
    result[FIELDS] = [one for one in before.get(FIELDS, []) if one["name"] not in variables]
    if "nodeSelector" in over:  # KFP would take the JSON alone.
        result["nodeSelector"] = {"labels": before.get("nodeSelector", {}).get("labels", {})}
    return {name: value for name, value in result.items() if value not in ([], {}, {"labels": {}})}


def _over(before: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(before)
    for name, value in over.items():
        old = result.get(name)
        if isinstance(old, list) and isinstance(value, list) and name not in REPLACED:
            result[name] = old + [one for one in value if one not in old]
        elif isinstance(old, Mapping) and isinstance(value, Mapping):
            result[name] = _over(old, value)
        else:
            result[name] = value
    return result
