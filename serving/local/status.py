"""KServe's status of an InferenceService, with its field names. Pure."""

from typing import Any

from kanaria.serving.local import revisions
from kanaria.serving.local.revisions import Rollout
from kanaria.serving.local.store import Observed


def _traffic(rollout: Rollout) -> list[dict[str, Any]]:
    shares = revisions.traffic(rollout)
    entries: list[dict[str, Any]] = []
    for share in shares:
        is_latest = share.revision == rollout.latest_ready
        entry = {
            "revisionName": share.revision,
            "percent": share.percent,
            "latestRevision": is_latest,
        }
        if not is_latest:
            entry["tag"] = "prev"
        entries.append(entry)
    return entries


def _model_status(observed: Observed, newest: str, rollout: Rollout) -> dict[str, Any]:
    failure = observed.failures.get(newest, "")
    if failure:
        return {
            "transitionStatus": "BlockedByFailedLoad",
            "states": {
                "activeModelState": "Loaded" if rollout.stable else "",
                "targetModelState": "FailedToLoad",
            },
            "lastFailureInfo": {"reason": "ModelLoadFailed", "message": failure},
        }
    if newest in rollout.ready:
        states = {"activeModelState": "Loaded", "targetModelState": "Loaded"}
        return {"transitionStatus": "UpToDate", "states": states}
    active = "Loaded" if rollout.stable else "Pending"
    states = {"activeModelState": active, "targetModelState": "Loading"}
    return {"transitionStatus": "InProgress", "states": states}


def of(observed: Observed, rollout: Rollout, answering: frozenset[str], url: str) -> dict[str, Any]:
    """Return the status.

    Args:
        observed: revisions and failures.
        rollout: advanced.
        answering: revisions whose predictor answers now.
        url: where requests go.
    """
    newest = rollout.created[-1] if rollout.created else ""
    routed = {share.revision for share in revisions.traffic(rollout) if share.percent}
    is_ready = bool(routed) and routed <= answering
    return {
        "url": url,
        "conditions": [{"type": "Ready", "status": "True" if is_ready else "False"}],
        "components": {
            "predictor": {
                "latestCreatedRevision": newest,
                "latestReadyRevision": rollout.latest_ready,
                "latestRolledoutRevision": rollout.stable,
                "previousRolledoutRevision": rollout.previous,
                "traffic": _traffic(rollout),
            }
        },
        "modelStatus": _model_status(observed, newest, rollout),
    }
