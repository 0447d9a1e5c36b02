"""What a push may change of a transformer that all revisions share. Pure.

KServe's Knative mode has one transformer before all revisions of the predictor (kserve#1669): what
a new model is given, the stable one would be given from that moment, at any percentage.
"""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.features import feature_settings

SHAPES = ("featureService", "entities", "keepEntities", "fullFeatureNames")
"""Keys of a service's features that decide which inputs a model gets."""


def require_same_inputs(applied: Mapping[str, Any], staged: Mapping[str, Any]) -> None:
    """Raise a ParameterError where the stable model would get other features than it has.

    Args:
        applied: the InferenceService as it is.
        staged: its manifest with the new model.
    """
    components = applied.get("status", {}).get("components", {})
    if not components.get("predictor", {}).get("latestRolledoutRevision"):
        return  # Nobody is served yet.
    live, wanted = _shape(applied), _shape(staged)
    if live != wanted:
        raise ParameterError(
            f"service.features={shown(wanted or {})}: the live service has {shown(live or {})}, "
            "and in Knative mode one transformer serves the stable model, too, which would get "
            "these at once; use another service.name, or Standard mode"
        )


def _shape(service: Mapping[str, Any]) -> dict[str, Any] | None:
    features = feature_settings.of_transformer(service["spec"].get("transformer"))
    return {key: features.get(key) for key in SHAPES} if features else None
