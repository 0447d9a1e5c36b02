"""Which fields of an InferenceService local serving knows, refuses, or does not act on.

What would change the answers and is not done here is refused; what concerns a cluster's pods only
stays, and is named by `inert`.
"""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.command_line import meant
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.frameworks.model_files import PROBABILITIES_VARIABLE, Framework
from kanaria.serving.inference_service import kserve_fields
from kanaria.serving.inference_service.kserve_fields import Fields

Part = dict[str, Any]
FORMATS = tuple(str(framework) for framework in Framework if framework is not Framework.PYTORCH)
"""Model formats that local serving runs."""
NO_CONTAINERS = "local serving runs no containers; take it out"
REFUSED: Mapping[str, Mapping[str, str]] = {
    "spec": {
        "canary": "local serving splits by predictor.canaryTrafficPercent; use that",
    },
    "spec.predictor": {
        **dict.fromkeys(
            kserve_fields.FRAMEWORKS.keys() - set(FORMATS),
            f"local serving runs {', '.join(FORMATS)}",
        ),
        **dict.fromkeys(("containers", "initContainers", "ephemeralContainers"), NO_CONTAINERS),
        "batcher": "local serving hands on each request by itself; take it out",
        "storageUris": "write predictor.model.storageUri",
        "workerSpec": "local serving runs one process a revision; take it out",
    },
    "spec.predictor.model": {
        "command": NO_CONTAINERS,
        "confidential": "local serving reads no encrypted model",
        "name": "KServe allows no name in a standard predictor; take it out",
        "storage": "write storageUri",
    },
    "spec.predictor.logger": dict.fromkeys(
        ("batchInterval", "batchSize", "marshallerUrl", "storage"),
        "local serving posts each event by itself to an http(s) url; take it out",
    ),
}
"""Where a field would change what a client or a sink gets, and is not acted on: what to do."""
ACTED_ON = {
    "spec.predictor": frozenset(
        ("annotations", "canaryTrafficPercent", "labels", "logger", "model")
    ),
    "spec.predictor.model": frozenset(("modelFormat", "protocolVersion", "storageUri")),
}
PLACES = {
    "spec.predictor.model": kserve_fields.MODEL,
    "spec.predictor": kserve_fields.PREDICTOR,
    "spec": kserve_fields.SPEC,
    "metadata": kserve_fields.METADATA,
}
ONE_REPLICA = frozenset(("maxReplicas", "minReplicas"))


def inert(manifest: Mapping[str, Any]) -> list[str]:
    """Return the fields of a manifest that was taken which local serving does not act on."""
    predictor = manifest["spec"]["predictor"]
    parts = (("spec.predictor", predictor), ("spec.predictor.model", predictor["model"]))
    names = [
        f"{path}.{name}"
        for path, part in parts
        for name, value in part.items()
        if name not in ACTED_ON[path]
        and not (name == "env" and _switches_probabilities(predictor["model"]))
        and value not in (None, {}, [], "")
        and not (name in ONE_REPLICA and value == 1)
    ]
    if manifest["spec"].get("explainer"):
        names.append("spec.explainer")
    if predictor["model"]["modelFormat"].get("version"):
        names.append("spec.predictor.model.modelFormat.version")
    return sorted(names)


def _switches_probabilities(model: Part) -> bool:
    """Tell whether a model's environment is KServe's switch for probabilities and nothing else."""
    names = {variable.get("name") for variable in model["env"]}
    return model["modelFormat"]["name"] == Framework.SKLEARN and names == {PROBABILITIES_VARIABLE}


def part_of(parent: Part, path: str, table: Fields, faults: Faults) -> Part:
    """Return a part with its fields checked; {} where it is absent or no mapping."""
    part = parent.get(path.rpartition(".")[2])
    if not isinstance(part, dict):
        return {}
    check_fields(part, path, table, faults)
    return part


def check_fields(part: Part, path: str, table: Fields, faults: Faults) -> None:
    """Record fields that KServe does not know, values of another kind, and what is refused."""
    for name, value in part.items():
        full = f"{path}.{name}".lstrip(".")
        if name not in table:
            faults.add(f'unknown field "{full}"{remedy_of(name, table)}')
        elif value is not None and not table[name].holds(value):
            faults.check(False, full, value, f"write {table[name]}")
        elif value not in (None, [], "") and name in REFUSED.get(path, {}):
            faults.add(f"{full}: {REFUSED[path][name]}")


def remedy_of(name: str, table: Fields) -> str:
    """Say where an unknown field belongs, or which one was meant; "" where nothing is near."""
    place = next((path for path, names in PLACES.items() if name in names), "")
    same = next((key for key in table if key.lower() == name.lower()), "")
    if same:
        return f", did you mean {same}?"
    return f", it belongs in {place}" if place else meant(name, table)


def texts_of(parent: Part, path: str, faults: Faults) -> dict[str, str]:
    """Return a mapping of texts, {} where it is absent; other values are faults."""
    texts = parent.get(path.rpartition(".")[2])
    if not isinstance(texts, dict):
        return {}
    for name, value in texts.items():
        faults.check(isinstance(value, str), f"{path}.{name}", value, "put it in quotes")
    return {name: value for name, value in texts.items() if isinstance(value, str)}
