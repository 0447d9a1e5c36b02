"""Every state that the API server ever held of a test's objects, in the order of the writes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from inference_services import condition
from kubernetes import dynamic, watch

Object = dict[str, Any]
KINDS = (
    ("serving.kserve.io/v1beta1", "InferenceService"),
    ("serving.knative.dev/v1", "Revision"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("v1", "ConfigMap"),
)


class History:
    """The states of a namespace's objects since it was made."""

    def __init__(self) -> None:
        self._states: list[Object] = []

    def add(self, event: dict[str, Any]) -> None:
        if event["type"] in ("ADDED", "MODIFIED"):
            self._states.append(event["raw_object"])

    def states(self, kind: str = "") -> list[Object]:
        """Return the states of one kind ("" for all) in the order they were written."""
        ordered = sorted(self._states, key=lambda one: int(one["metadata"]["resourceVersion"]))
        return [one for one in ordered if kind in ("", one["kind"])]

    def note(self, service: Object) -> bool:
        """Tell whether the watch has come to this state of an object."""
        version = service["metadata"]["resourceVersion"]
        return any(one["metadata"]["resourceVersion"] == version for one in self._states)

    def served_unready(self) -> list[tuple[str, str]]:
        """Return each (resourceVersion, revision) with traffic at a revision that was not ready.

        The first revision of an HTTPRoute is none of them: nobody else could answer.
        """
        ready: set[str] = set()
        unready: list[tuple[str, str]] = []
        for state in self.states():
            if _is_ready(state):
                ready.add(state["metadata"]["name"])
            elif state["kind"] in ("Revision", "InferenceService"):
                ready.discard(state["metadata"]["name"])
            version = state["metadata"]["resourceVersion"]
            unready += [(version, name) for name in _served(state) - ready]
        return unready


def _is_ready(state: Object) -> bool:
    kinds = {"Revision": "Ready", "InferenceService": "PredictorReady"}
    return state["kind"] in kinds and condition(state, kinds[state["kind"]]) == "True"


def _served(state: Object) -> set[str]:
    """Return the revisions to which a state gives requests."""
    if state["kind"] == "HTTPRoute" and "kanaria.io/service" in state["metadata"].get("labels", {}):
        backends = state["spec"]["rules"][0]["backendRefs"]
        names = {one["name"].removesuffix("-predictor") for one in backends if one["weight"]}
        is_first = not state["metadata"]["annotations"].get("kanaria.io/rolled-out")
        return set() if is_first else names
    if state["kind"] == "InferenceService":
        predictor = state.get("status", {}).get("components", {}).get("predictor", {})
        shares = predictor.get("traffic", [])
        return {one["revisionName"] for one in shares if one.get("percent")}
    return set()


@contextmanager
def recorded(api: dynamic.DynamicClient, namespace: str) -> Iterator[History]:
    """Watch a namespace whose objects are still to be made."""
    history = History()
    watchers = [watch.Watch() for _ in KINDS]

    def follow(version: str, kind: str, watcher: watch.Watch) -> None:
        resource = api.resources.get(api_version=version, kind=kind)
        for event in resource.watch(namespace=namespace, watcher=watcher):
            history.add(event)

    threads = [
        threading.Thread(target=follow, args=(*kind, watcher), daemon=True)
        for kind, watcher in zip(KINDS, watchers, strict=True)
    ]
    for thread in threads:
        thread.start()
    yield history
    for watcher in watchers:
        watcher.stop()
