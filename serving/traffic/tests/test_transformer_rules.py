import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.features import feature_settings
from kanaria.serving.traffic.transformer_rules import require_same_inputs

FEATURES = {"url": "http://feast:6566", "featureService": "trips_v1", "entities": ["driver_id"]}
LIVE = {"components": {"predictor": {"latestRolledoutRevision": "taxi-predictor-00001"}}}


def service(features, status=LIVE):
    parts = {"transformer": feature_settings.transformer(features)} if features else {}
    return {"spec": {"predictor": {}, **parts}, "status": status}


@pytest.mark.parametrize(
    ("live", "staged"),
    [
        (FEATURES, {**FEATURES, "featureService": "trips_v2"}),
        (FEATURES, {**FEATURES, "entities": ["driver_id", "town_id"]}),
        (FEATURES, {**FEATURES, "keepEntities": True}),
        (FEATURES, None),
        (None, FEATURES),
    ],
)
def test_features_that_the_stable_model_does_not_know_are_refused(live, staged):
    with pytest.raises(ParameterError, match="which would get these at once"):
        require_same_inputs(service(live), service(staged))
    require_same_inputs(service(live, status={}), service(staged))


def test_how_they_are_looked_up_may_change():
    changed = {**FEATURES, "url": "http://other", "timeoutMilliseconds": 9, "image": "newer"}
    require_same_inputs(service(FEATURES), service(changed))
    own = {"spec": {"transformer": {"containers": [{"image": "own"}]}}, "status": LIVE}
    require_same_inputs(own, service(None))
