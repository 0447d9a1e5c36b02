from pathlib import Path

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.rollout.control.environment import DRIFT_SERVER, connect
from kanaria.serving.rollout.policy.rollout_policy import Policy, parse

SHADOW = parse("strategy: shadow")
BLIND = parse("{strategy: shadow, gates: {predictions: false, disagreement: false, labels: false}}")


def test_gates_that_compare_models_need_a_drift_server(tmp_path: Path):
    refused = pytest.raises(ParameterError, match="predictions, disagreement, labels ask a drift")
    with connect(str(tmp_path)) as place, refused:
        place.require(SHADOW)


@pytest.mark.parametrize("policy", [Policy(), BLIND], ids=["canary", "shadow without gates"])
def test_other_policies_do_not(tmp_path: Path, policy: Policy):
    with connect(str(tmp_path)) as place:
        place.require(policy)


def test_the_environment_may_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(DRIFT_SERVER, "http://127.0.0.1:9")
    with connect(str(tmp_path)) as place:
        place.require(SHADOW)
