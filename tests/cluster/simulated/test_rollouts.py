"""Whole rollouts on the real controllers; the numbers are scripted, all else is the product."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from kubernetes import dynamic
from rollout_trial import Trial, share_set, trial

from kanaria.components.shared.errors import DataError
from kanaria.serving.rollout.decision.rollout_state import Phase


@pytest.fixture(params=["Knative", "Standard"])
def service(
    request: pytest.FixtureRequest, api: dynamic.DynamicClient, tmp_path: Path
) -> Iterator[Trial]:
    with trial(api, request.param, tmp_path) as running_trial:
        yield running_trial


def shares_set(service: Trial, since: int) -> list[int]:
    """Return the percentages that were set: 0 at a resourceVersion, then each in its turn."""
    states = [
        state
        for state in service.history.states()
        if int(state["metadata"]["resourceVersion"]) > since
    ]
    shares = [share for state in states if (share := share_set(state)) is not None]
    return [share for share, _ in groupby([0, *shares])]


def now(service: Trial) -> int:
    states = service.history.states()
    return int(states[-1]["metadata"]["resourceVersion"])


def test_models_are_rolled_out_rolled_back_and_refused(service: Trial):
    service.push("two")
    assert service.shares() == {"one": 100}
    begun = now(service)
    assert service.run() == ""
    assert service.rollout().state.phase is Phase.PROMOTED
    service.until_shares(two=100)
    assert service.status().rolled_out == service.status().latest_ready
    service.check()
    assert shares_set(service, begun) == [0, 10, 50, 100]
    second = service.rollout().target.canary

    service.push("three")
    begun = now(service)
    assert service.run(errors=0.2) == ""
    assert service.rollout().state.phase is Phase.ROLLED_BACK
    service.until_shares(two=100)
    service.check()
    assert shares_set(service, begun) == [0, 10, 0]

    with pytest.raises(DataError, match="ModelLoadFailed"):
        service.push("four", loads=False)
    assert service.run() == ""
    rollout = service.rollout()
    assert rollout.state.phase is Phase.ROLLED_BACK
    assert "load" in " ".join(rollout.state.last.reasons)
    assert service.shares() == {"two": 100}
    service.check()

    version = service.history.states()[-1]["metadata"]["resourceVersion"]
    again = service.push("two")
    assert again.reason.startswith("already served")
    assert (again.revision, again.percent) == (second, 100)
    assert service.history.states()[-1]["metadata"]["resourceVersion"] == version
