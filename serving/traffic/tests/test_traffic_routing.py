import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.traffic import route_weights
from kanaria.serving.traffic.route_weights import Gateway, Routing

GATEWAY = Gateway(namespace="kserve", name="gateway", domain="example.com")


@st.composite
def routings(draw):
    """A routing that a few verbs have led to, the first revision being ready."""
    found = Routing(latest="r0", rolled_out="r0", weights={"r0": 100})
    for number, verb in enumerate(
        draw(st.lists(st.sampled_from(["stage", "shift", "promote", "back", "mirror"])))
    ):
        match verb:
            case "stage":
                found = route_weights.staged(found, f"r{number + 1}")
            case "shift":
                found = route_weights.shifted(found, draw(st.integers(0, 100)))
            case "promote":
                found = route_weights.promoted(found)
            case "back":
                found = route_weights.rolled_back(found)
            case "mirror" if found.weights[found.latest] == 0:
                found = route_weights.mirrored(found, draw(st.integers(0, 100)))
    return found


@pytest.mark.parametrize(
    ("namespace", "longest"), [("a", 39), ("team", 39), ("team5", 38), ("test-12345678", 30)]
)
def test_a_service_whose_revisions_kserve_cannot_name_is_refused(namespace, longest):
    route_weights.require_short(namespace, "t" * longest)
    with pytest.raises(ParameterError, match=f"use up to {longest} characters"):
        route_weights.require_short(namespace, "t" * (longest + 1))


def test_a_namespace_that_leaves_no_name_is_refused():
    with pytest.raises(ParameterError, match="use a shorter namespace"):
        route_weights.require_short("n" * 43, "t")


@given(routings())
def test_the_weights_are_always_all_requests(found):
    assert sum(found.weights.values()) == 100
    assert {found.latest, found.rolled_out} <= found.weights.keys()


@given(routings())
def test_copies_are_never_of_requests_that_the_newest_answers_itself(found):
    assert not (found.mirrored and found.weights[found.latest])


@given(routings(), st.integers(1, 100))
def test_copies_go_to_the_newest_beside_the_answers_of_the_others(found, percent):
    shadowed = route_weights.mirrored(route_weights.staged(found, "new"), percent)
    route = route_weights.to_route(shadowed, "team", "taxi", GATEWAY)
    (rule,) = route["spec"]["rules"]
    own_ids, copying = rule["filters"]
    assert own_ids["requestHeaderModifier"] == {"remove": ["Ce-Id"]}
    assert copying["requestMirror"]["backendRef"]["name"] == "new-predictor"
    assert copying["requestMirror"].get("percent", 100) == percent
    ended = route_weights.to_route(route_weights.mirrored(shadowed, 0), "team", "taxi", GATEWAY)
    assert "filters" not in ended["spec"]["rules"][0]


@given(routings())
def test_a_route_says_the_routing_it_was_made_of(found):
    assert route_weights.from_route(route_weights.to_route(found, "team", "taxi", GATEWAY)) == found


@given(routings())
def test_a_rollback_leaves_nothing_for_the_newest_of_a_canary(found):
    back = route_weights.rolled_back(route_weights.staged(found, "bad"))
    assert back.weights[back.rolled_out] == 100
    assert back.weights["bad"] == 0


@given(routings(), st.integers(0, 99))
def test_a_share_is_taken_from_the_stable_revision_alone(found, percent):
    shifted = route_weights.shifted(route_weights.staged(found, "new"), percent)
    assert shifted.weights["new"] == percent
    assert shifted.weights[shifted.rolled_out] == 100 - percent


@given(routings())
def test_after_a_promotion_the_revision_before_comes_back(found):
    stable = route_weights.staged(found, "new").rolled_out
    promoted = route_weights.promoted(route_weights.staged(found, "new"))
    assert promoted.weights["new"] == 100
    assert route_weights.rolled_back(promoted).weights[stable] == 100


def test_no_revision_is_stable_before_one_was_ready():
    found = route_weights.staged(route_weights.first("r0"), "r1")
    assert route_weights.with_first_ready(found, []).rolled_out == ""
    assert route_weights.with_first_ready(found, ["r0"]).rolled_out == "r0"
    first_ready = route_weights.with_first_ready(found, ["r0", "r1"])
    assert first_ready.rolled_out == "r1"
    assert route_weights.shifted(first_ready, 100).weights == {"r1": 100}


@given(routings())
def test_staging_never_moves_a_request_to_the_new_revision(found):
    assert route_weights.staged(found, "new").weights["new"] == 0
