import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.traffic.cluster_traffic import KNATIVE, STANDARD, mode_of

ANNOTATION = "serving.kserve.io/deploymentMode"


def manifest(mode=None, **spec):
    annotations = {ANNOTATION: mode} if mode else {}
    return {"metadata": {"annotations": annotations}, "spec": {"predictor": {}, **spec}}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("Knative", KNATIVE),
        ("Serverless", KNATIVE),
        ("Standard", STANDARD),
        ("RawDeployment", STANDARD),
        (None, STANDARD),
    ],
)
def test_the_mode_is_the_annotation_or_else_kserves_default(mode, expected):
    assert mode_of(manifest(mode), "RawDeployment") == expected


def test_a_mode_without_traffic_is_refused():
    with pytest.raises(ParameterError, match="ModelMesh"):
        mode_of(manifest("ModelMesh"), "Knative")


def test_canaries_that_kserve_does_not_route_are_refused():
    with pytest.raises(ParameterError, match=r"spec\.canary"):
        mode_of(manifest(canary=[{"predictor": {"name": "v2"}}]), "Standard")
