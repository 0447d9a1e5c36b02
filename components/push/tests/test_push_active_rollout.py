import pytest

from kanaria.components.push.active_rollout import NoRollouts, OnActive, make_way
from kanaria.components.shared.errors import NotReadyError


class Kept:
    """Rollouts in memory: (namespace, service) -> what is active."""

    def __init__(self, **active: str) -> None:
        self.rollouts = {("team", service): text for service, text in active.items()}
        self.superseded: list[tuple[str, str, str]] = []

    def active(self, namespace: str, service: str) -> str | None:
        return self.rollouts.get((namespace, service))

    def supersede(self, namespace: str, service: str, who: str) -> None:
        self.superseded.append((namespace, service, who))


def test_another_model_is_refused_while_a_rollout_is_active():
    kept = Kept(tips="tips-predictor-00002 at 10 %, step 1 of 3")
    with pytest.raises(NotReadyError) as caught:
        make_way(kept, "team", "tips", OnActive.REFUSE, "push_model of two")
    assert str(caught.value) == (
        "team/tips: a rollout is active: tips-predictor-00002 at 10 %, step 1 of 3; wait for its "
        "end, roll it back, or push with on_active=supersede"
    )
    assert not kept.superseded


def test_it_supersedes_the_rollout_only_when_that_is_asked_for():
    kept = Kept(tips="tips-predictor-00002 at 10 %")
    make_way(kept, "team", "tips", OnActive.SUPERSEDE, "push_model of two")
    assert kept.superseded == [("team", "tips", "push_model of two")]


@pytest.mark.parametrize("on_active", OnActive)
@pytest.mark.parametrize("rollouts", [NoRollouts(), Kept(fares="fares-predictor-00007 at 50 %")])
def test_without_an_active_rollout_of_this_service_nothing_is_in_the_way(rollouts, on_active):
    make_way(rollouts, "team", "tips", on_active, "push_model of two")
    assert not getattr(rollouts, "superseded", [])
