import pytest

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.checks.check_limits import ApiCall, Load, Policy, parse


def parsed(raw: object) -> Policy:
    faults = Faults("push_model")
    policy = parse(raw, faults)
    faults.raise_if_any()
    return policy


def test_nothing_said_is_every_check_with_its_defaults():
    policy = parsed({})
    assert policy == Policy()
    assert policy.signature
    assert policy.infrastructure
    assert policy.api_call
    assert policy.load


def test_each_check_is_switched_off_by_false():
    off = dict.fromkeys(Policy.model_fields, False)
    assert set(parsed(off).model_dump().values()) == {False}


def test_what_is_said_replaces_one_default_only():
    policy = parsed({"load": {"rate": 5}, "api_call": {"relative_tolerance": 0.01}})
    assert policy.load == Load(rate=5)
    assert policy.api_call == ApiCall(relative_tolerance=0.01)


def test_a_whole_number_may_come_as_a_float_as_kfp_sends_it():
    assert parsed({"load": {"requests": 50.0}}).load == Load(requests=50)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"loads": {}}, "checks.loads={}: there is no such key, remove it"),
        ({"load": {"rates": 1}}, "checks.load.rates=1: there is no such key, remove it"),
        ({"load": True}, "checks.load=True: write a mapping of its settings"),
        ({"load": {"rate": 0}}, "checks.load.rate=0: Input should be greater than 0"),
        ({"load": {"rate": "fast"}}, "checks.load.rate='fast'"),
        ({"load": {"requests": 2.5}}, "checks.load.requests=2.5"),
        ({"load": {"rate": 1, "requests": 601}}, "takes 601 s, send fewer requests"),
        ({"api_call": {"timeout_seconds": 0}}, "checks.api_call.timeout_seconds=0"),
        ({"infrastructure": {"memory_share": 2}}, "checks.infrastructure.memory_share=2"),
        ({"signature": {}}, "checks.signature={}"),
        ({"load": {"p99_ms": float("nan")}}, "checks.load.p99_ms=nan"),
        ([], "checks=[]: write a mapping of its settings"),
    ],
)
def test_a_fault_names_what_where_and_the_remedy(raw: object, fault: str):
    with pytest.raises(ParameterError) as caught:
        parsed(raw)
    assert str(caught.value).startswith("push_model: checks")
    assert fault in str(caught.value)
    assert "; " not in str(caught.value)  # One fault is told once.


def test_all_faults_come_at_once():
    raw = {"a": 1, "load": {"rate": -1, "error_share": 1}, "api_call": {"relative_tolerance": "1"}}
    with pytest.raises(ParameterError) as caught:
        parsed(raw)
    names = ("checks.a", "checks.load.rate", "checks.load.error_share", "checks.api_call.relative")
    assert all(name in str(caught.value) for name in names)
