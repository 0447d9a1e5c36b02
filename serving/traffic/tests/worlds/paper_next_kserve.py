"""An API server in memory with a KServe that routes `spec.canary`, as its source of 2026-08 says.

A canary that is ready gets its weight in the route of its InferenceService, at 0 % too; one that is
not is left out, and its share is the stable one's. The route is made when the stable predictor is
ready, and stays. Where KServe scales by itself, which it does unless told not to, no predictor has
less than one copy.
"""

from typing import Any

from paper_cluster import FAILURE, PaperCluster

from kanaria.serving.kubernetes_api.resource_kinds import (
    HTTP_ROUTES,
    INFERENCE_SERVICES,
    PODS,
    Object,
)

AUTOSCALER = "serving.kserve.io/autoscalerClass"


class PaperNextKServe(PaperCluster):
    """A PaperCluster with this KServe.

    Attributes:
        routes: whether it routes `spec.canary`; KServe 0.20 does not.
    """

    routes = True

    def _reconcile(self) -> None:
        for (kind, namespace, name), stored in list(self._objects.items()):
            if kind is INFERENCE_SERVICES:
                stored["status"] = self._status_of(name, stored)
                self._make_pods(namespace, name, stored)
                self._make_route(namespace, name, stored)

    def _status_of(self, name: str, service: Object) -> Object:
        spec = service["spec"]
        is_ready = self._serves(name, spec["predictor"])
        failed = {"reason": "ModelLoadFailed", "message": FAILURE}
        model = {"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": failed}
        canaries = [
            {
                "name": entry["predictor"]["name"],
                "ready": self._serves(name, entry["predictor"]),
                "trafficPercent": entry["trafficPercent"],
                "modelStatus": {"transitionStatus": ""},
            }
            for entry in spec.get("canary", [])
        ]
        return {
            "conditions": [{"type": "PredictorReady", "status": "True" if is_ready else "False"}],
            "modelStatus": {"transitionStatus": "UpToDate"} if is_ready else model,
            "deploymentMode": "Standard",
            "url": f"http://{name}.example.com",
        } | ({"canaryStatuses": canaries} if canaries else {})

    def _serves(self, name: str, predictor: Any) -> bool:
        is_broken = predictor.get("model", {}).get("storageUri", "").endswith("broken")
        scales = (predictor.get("annotations") or {}).get(AUTOSCALER) != "none"
        has_copies = scales or predictor.get("minReplicas", 1) > 0
        return has_copies and not is_broken and _revision(name, predictor) not in self.unready

    def _make_pods(self, namespace: str, name: str, service: Object) -> None:
        for key in [key for key in self._objects if key[:2] == (PODS, namespace)]:
            del self._objects[key]
        ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": FAILURE}}
        waits = {"waiting": {"reason": "CrashLoopBackOff"}}
        failed = {"name": "kserve-container", "state": waits, "lastState": ended}
        for predictor in (entry["predictor"] for entry in service["spec"].get("canary", [])):
            revision, status = _revision(name, predictor), {"containerStatuses": [failed]}
            if self._serves(name, predictor):
                status = {"conditions": [{"type": "Ready", "status": "True"}]}
            elif not predictor["model"]["storageUri"].endswith("broken"):
                continue
            pod = {"metadata": {"labels": {"app": f"isvc.{revision}-predictor"}}, "status": status}
            self._put(PODS, namespace, f"{revision}-predictor-1", pod)

    def _make_route(self, namespace: str, name: str, service: Object) -> None:
        if not self._serves(name, service["spec"]["predictor"]):
            return
        ready = [
            (_revision(name, entry["predictor"]), entry["trafficPercent"])
            for entry in service["spec"].get("canary", [])
            if self.routes and self._serves(name, entry["predictor"])
        ]
        shares = [(_revision(name, service["spec"]["predictor"]), 100 - sum(p for _, p in ready))]
        backends = [{"name": f"{r}-predictor", "weight": p} for r, p in [*shares, *ready]]
        spec = {"hostnames": [f"{name}.example.com"], "rules": [{"backendRefs": backends}]}
        before = self._objects.get((HTTP_ROUTES, namespace, name), {})
        if before.get("spec") != spec:
            self._put(HTTP_ROUTES, namespace, name, {"spec": spec})
        route = self._objects[(HTTP_ROUTES, namespace, name)]
        generation = route["metadata"]["generation"]
        accepted = {"type": "Accepted", "status": "True", "observedGeneration": generation}
        route["status"] = {"parents": [{"conditions": [accepted]}]}


def _revision(name: str, predictor: Any) -> str:
    own = predictor.get("name", "")
    return f"{name}-{own}" if own else name
