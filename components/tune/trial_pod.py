"""The Job of one trial of Katib: our image, one trial of tuner_fn, what the user says of its pod.

Pure. Katib joins command and arguments by spaces and hands them to a shell, so what a trial is
stands in its environment.
"""

import json
from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.config.keys import Key, Kind, read
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.step_images import TRAINING_IMAGE

CONTAINER = "trial"
COMMAND = ["/opt/kanaria/bin/python", "-P", "-m", "kanaria.components.tune.katib_trial"]
METRICS_FILE = "/var/log/katib/metrics.json"
"""Where Katib's collector reads; its sidecar mounts the folder."""
ORDER, ASSIGNED, METRICS = "KANARIA_TRIAL", "KANARIA_TRIAL_ASSIGNMENTS", "KANARIA_TRIAL_METRICS"
"""Variables: what to run, Katib's assignments, and the file of the score."""
NO_MESH = {"sidecar.istio.io/inject": "false"}
"""A mesh's sidecar never ends, and so neither would the Job."""
RESOURCES = (
    Key(
        name="requests",
        kind=Kind.MAPPING,
        entries=Kind.QUANTITY,
        default={"cpu": "1", "memory": "2Gi"},
        meaning="What a trial is given.",
    ),
    Key(
        name="limits",
        kind=Kind.MAPPING,
        entries=Kind.QUANTITY,
        default={},
        meaning="What a trial may use at most, nvidia.com/gpu with it.",
    ),
)
KEYS = (
    Key(
        name="image",
        kind=Kind.TEXT,
        default=TRAINING_IMAGE,
        meaning="Training image, with its registry.",
    ),
    Key(name="imagePullPolicy", kind=Kind.TEXT, default="", meaning="As a container has it."),
    Key(
        name="imagePullSecrets",
        kind=Kind.LIST,
        entries=Kind.MAPPING,
        default=[],
        meaning="As a pod has them.",
    ),
    Key(
        name="serviceAccountName",
        kind=Kind.TEXT,
        default="",
        meaning="Account of the trials' pods.",
    ),
    Key(
        name="resources",
        kind=Kind.MAPPING,
        keys=RESOURCES,
        default={},
        meaning="As a container has them.",
    ),
    Key(
        name="nodeSelector",
        kind=Kind.MAPPING,
        entries=Kind.SETTING,
        default={},
        meaning="Labels of nodes.",
    ),
    Key(
        name="tolerations",
        kind=Kind.LIST,
        entries=Kind.MAPPING,
        default=[],
        meaning="As a pod has them.",
    ),
    Key(name="affinity", kind=Kind.MAPPING, default={}, meaning="As a pod has it."),
    Key(
        name="env",
        kind=Kind.LIST,
        entries=Kind.MAPPING,
        default=[],
        meaning="As a container has it; a bucket's credentials by valueFrom.",
    ),
    Key(
        name="envFrom",
        kind=Kind.LIST,
        entries=Kind.MAPPING,
        default=[],
        meaning="As a container has it.",
    ),
    Key(
        name="volumes",
        kind=Kind.LIST,
        entries=Kind.MAPPING,
        default=[],
        meaning="As a pod has them, and mountPath, subPath, readOnly of each.",
    ),
    Key(
        name="labels",
        kind=Kind.MAPPING,
        entries=Kind.SETTING,
        default={},
        meaning="Of the trials' pods.",
    ),
    Key(
        name="annotations",
        kind=Kind.MAPPING,
        entries=Kind.SETTING,
        default={},
        meaning="Of the trials' pods.",
    ),
    Key(
        name="activeDeadlineSeconds",
        kind=Kind.INTEGER,
        default=0,
        meaning="Seconds after which a trial has failed, 0 for none.",
    ),
)
"""What may be said of a trial's pod: a pod's words, as in the file of --resources."""
OF_POD = ("serviceAccountName", "imagePullSecrets", "nodeSelector", "tolerations", "affinity")
OF_CONTAINER = ("image", "imagePullPolicy", "envFrom")
OF_MOUNT = ("mountPath", "subPath", "readOnly")
Part = dict[str, Any]


def settings(trial: Mapping[str, Any], faults: Faults) -> Part:
    """Return what the user says of a trial's pod, with defaults; `faults` gets what is wrong."""
    chosen = read(dict(trial), KEYS, "trial", faults)
    own = {ORDER, ASSIGNED, METRICS}
    for variable in chosen["env"]:
        name = variable.get("name") if isinstance(variable, dict) else None
        faults.check(name not in own, "trial.env", variable, "is Kanaria's own; leave it out")
    for volume in chosen["volumes"]:
        if isinstance(volume, dict):
            faults.check("mountPath" in volume, "trial.volumes", volume, "say its mountPath")
    return chosen


def as_text(value: Any) -> str:
    """Return JSON in which no `$` is left, which Kubernetes and Katib would replace."""
    return json.dumps(value, sort_keys=True).replace("$", "\\u0024")


def _filled(settings: Part, names: tuple[str, ...]) -> Part:
    return {name: settings[name] for name in names if settings[name]}


def _resources(settings: Part) -> Part:
    # Katib refuses a Job that holds what its own types leave out, as empty limits.
    amounts = {kind: entries for kind, entries in settings["resources"].items() if entries}
    return {"resources": amounts} if amounts else {}


def _volumes(settings: Part) -> tuple[list[Part], list[Part]]:
    volumes, mounts = [], []
    for number, entry in enumerate(settings["volumes"]):
        name = str(entry.get("name", f"volume-{number}"))
        source = {key: value for key, value in entry.items() if key not in OF_MOUNT}
        volumes.append({**source, "name": name})
        mounts.append({"name": name, **{key: entry[key] for key in OF_MOUNT if key in entry}})
    return volumes, mounts


def job(settings: Part, order: Mapping[str, Any], names: list[str]) -> Part:
    """Return the template of the Job that runs one trial.

    Args:
        settings: of its pod.
        order: what the trial is, plain JSON.
        names: Katib's names of the parameters, which it puts values in the place of.
    """
    # `$` of these alone is Katib's.
    assigned = json.dumps({name: f"${{trialParameters.{name}}}" for name in names})
    variables = {ORDER: as_text(order), ASSIGNED: assigned, METRICS: METRICS_FILE}
    volumes, mounts = _volumes(settings)
    container = {
        "name": CONTAINER,
        "command": COMMAND,
        **_filled(settings, OF_CONTAINER),
        **_resources(settings),
        "env": [
            *settings["env"],
            *({"name": name, "value": value} for name, value in variables.items()),
        ],
        **({"volumeMounts": mounts} if mounts else {}),
        "securityContext": {
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    pod = {
        **_filled(settings, OF_POD),
        "restartPolicy": "Never",
        "containers": [container],
        **({"volumes": volumes} if volumes else {}),
    }
    labels = {"labels": {**settings["labels"], **NO_MESH}}
    annotations = {"annotations": {**settings["annotations"], **NO_MESH}}
    # A trial that failed would fail again: it begins with the same seed.
    spec = {"backoffLimit": 0, "template": {"metadata": {**labels, **annotations}, "spec": pod}}
    if settings["activeDeadlineSeconds"]:
        spec["activeDeadlineSeconds"] = settings["activeDeadlineSeconds"]
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}
