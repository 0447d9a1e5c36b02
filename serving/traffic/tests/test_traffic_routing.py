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
    routing = Routing(latest="r0", rolled_out="r0", weights={"r0": 100})
    for number, verb in enumerate(
        draw(st.lists(st.sampled_from(["stage", "shift", "promote", "back", "mirror"])))
    ):
        match verb:
            case "stage":
                routing = route_weights.staged(
                    routing, f"r{number + 1}", transformed=draw(st.booleans())
                )
            case "shift":
                routing = route_weights.shifted(routing, draw(st.integers(0, 100)))
            case "promote":
                routing = route_weights.promoted(routing)
            case "back":
                routing = route_weights.rolled_back(routing)
            case "mirror" if routing.weights[routing.latest] == 0:
                routing = route_weights.mirrored(routing, draw(st.integers(0, 100)))
    return routing


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
def test_the_weights_are_always_all_requests(routing):
    assert sum(routing.weights.values()) == 100
    assert {routing.latest, routing.rolled_out} <= routing.weights.keys()


@given(routings())
def test_copies_are_never_of_requests_that_the_newest_answers_itself(routing):
    assert not (routing.mirrored and routing.weights[routing.latest])


@given(routings(), st.integers(1, 100))
def test_copies_go_to_the_newest_beside_the_answers_of_the_others(routing, percent):
    shadowed = route_weights.mirrored(route_weights.staged(routing, "new"), percent)
    route = route_weights.to_route(shadowed, "team", "taxi", GATEWAY)
    (rule,) = route["spec"]["rules"]
    own_ids, copying = rule["filters"]
    assert own_ids["requestHeaderModifier"] == {"remove": ["Ce-Id"]}
    assert copying["requestMirror"]["backendRef"]["name"] == "new-predictor"
    assert copying["requestMirror"].get("percent", 100) == percent
    ended = route_weights.to_route(route_weights.mirrored(shadowed, 0), "team", "taxi", GATEWAY)
    assert "filters" not in ended["spec"]["rules"][0]


@given(routings())
def test_a_route_says_the_routing_it_was_made_of(routing):
    assert (
        route_weights.from_route(route_weights.to_route(routing, "team", "taxi", GATEWAY))
        == routing
    )


@given(routings())
def test_a_rollback_leaves_nothing_for_the_newest_of_a_canary(routing):
    back = route_weights.rolled_back(route_weights.staged(routing, "bad"))
    assert back.weights[back.rolled_out] == 100
    assert back.weights["bad"] == 0


@given(routings(), st.integers(0, 99))
def test_a_share_is_taken_from_the_stable_revision_alone(routing, percent):
    shifted = route_weights.shifted(route_weights.staged(routing, "new"), percent)
    assert shifted.weights["new"] == percent
    assert shifted.weights[shifted.rolled_out] == 100 - percent


@given(routings())
def test_after_a_promotion_the_revision_before_comes_back(routing):
    stable = route_weights.staged(routing, "new").rolled_out
    promoted = route_weights.promoted(route_weights.staged(routing, "new"))
    assert promoted.weights["new"] == 100
    assert route_weights.rolled_back(promoted).weights[stable] == 100


def test_no_revision_is_stable_before_one_was_ready():
    routing = route_weights.staged(route_weights.first("r0"), "r1")
    assert route_weights.with_first_ready(routing, []).rolled_out == ""
    assert route_weights.with_first_ready(routing, ["r0"]).rolled_out == "r0"
    first_ready = route_weights.with_first_ready(routing, ["r0", "r1"])
    assert first_ready.rolled_out == "r1"
    assert route_weights.shifted(first_ready, 100).weights == {"r1": 100}


@given(routings())
def test_staging_never_moves_a_request_to_the_new_revision(routing):
    assert route_weights.staged(routing, "new").weights["new"] == 0


def test_requests_go_by_way_of_the_transformer_of_the_revision_that_has_one():
    routing = route_weights.staged(route_weights.first("r0"), "r1", transformed=True)
    routing = route_weights.mirrored(routing, 100)
    (rule,) = route_weights.to_route(routing, "team", "taxi", GATEWAY)["spec"]["rules"]
    assert [backend["name"] for backend in rule["backendRefs"]] == [
        "r0-predictor",
        "r1-transformer",
    ]
    assert rule["filters"][1]["requestMirror"]["backendRef"]["name"] == "r1-transformer"


def test_the_longer_name_of_a_transformer_must_fit_too():
    route_weights.require_short("team", "t" * 37, transformed=True)
    with pytest.raises(ParameterError, match="use up to 37 characters"):
        route_weights.require_short("team", "t" * 38, transformed=True)


def test_a_revision_that_left_the_route_is_none_that_has_a_transformer():
    routing = Routing(
        latest="r0", rolled_out="r0", weights={"r0": 100}, transformed=frozenset(["r0"])
    )
    for revision in ("r1", "r2"):
        routing = route_weights.promoted(route_weights.staged(routing, revision))
    assert routing == route_weights.from_route(
        route_weights.to_route(routing, "team", "taxi", GATEWAY)
    )
