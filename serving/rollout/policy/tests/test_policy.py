import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.rollout.policy.rollout_policy import Automation, parse, read
from kanaria.serving.rollout.traffic_strategy import Strategy

WHOLE = """
strategy: canary
automation: approve
approve_before: [50%, promote]
steps:
  - {percent: 10, minimum_requests: 600, minimum_minutes: 10}
  - {percent: 50, minimum_requests: 600, minimum_minutes: 10}
false_rollback: 0.05
false_promotion: 0.05
gates:
  errors: {margin: 2.0, tolerated: 0.005, weight: 2, minimum_events: 5}
  latency: {quantile: 0.95, margin: 2.0}
  hard_rules: {restarts: 2, oom_kills: 0}
no_data: {minutes: 5, action: ask}
ready_minutes: 15
inconclusive_minutes: 120
"""


def test_a_whole_policy_is_read():
    policy = parse(WHOLE)
    assert policy.strategy is Strategy.CANARY
    assert policy.automation is Automation.APPROVE
    assert [step.name for step in policy.ladder] == ["10%", "50%"]
    assert policy.gates.errors.weight == 2


@pytest.mark.parametrize(
    ("strategy", "percents"),
    [("basic", []), ("blue_green", [100]), ("canary", [10, 50]), ("shadow", [0])],
)
def test_every_strategy_has_default_steps(strategy, percents):
    policy = parse(f"strategy: {strategy}")
    assert [step.percent for step in policy.ladder] == percents


def test_a_shadow_may_be_followed_by_the_steps_of_a_canary():
    policy = parse("strategy: shadow\nsteps: [{percent: 0}, {percent: 10}]")
    assert [step.name for step in policy.ladder] == ["shadow", "10%"]


def test_a_gate_is_left_out_by_false():
    assert parse("gates: {latency: false}").gates.latency is False


MALFORMED = {
    "unknown words": (
        "strategy: cnary\nautomation: aprove\nno_data: {action: pass}",
        ["strategy='cnary'", "automation='aprove'", "no_data.action='pass'"],
    ),
    "unknown keys": (
        "stages: []\ngates: {error: {}, hard_rules: {restart: 1}}",
        ["stages=[]", "gates.error={}", "gates.hard_rules.restart=1"],
    ),
    "numbers out of range": (
        "false_rollback: 0\nfalse_promotion: 1.5\nready_minutes: -1",
        ["false_rollback=0", "false_promotion=1.5", "ready_minutes=-1"],
    ),
    "numbers that are not": (
        "false_rollback: 5%\ninconclusive_minutes: .nan\nno_data: {minutes: .inf}",
        ["false_rollback='5%'", "inconclusive_minutes=nan", "no_data.minutes=inf"],
    ),
    "steps out of range": (
        "steps: [{percent: -1}, {percent: 101}, {percent: 10.5}, {minimum_requests: 1}]",
        [
            "steps.0.percent=-1",
            "steps.1.percent=101",
            "steps.2.percent=10.5",
            "steps.3.percent is missing",
        ],
    ),
    "steps that do not climb, asks nobody": (
        "steps: [{percent: 50}, {percent: 10}]\nautomation: approve",
        ["percentages must ascend", "approve needs the steps"],
    ),
    "steps of another strategy, gates that judge nothing": (
        "strategy: blue_green\nsteps: [{percent: 10}]\ngates: {errors: false, latency: false}",
        ["blue_green has one step, at 100", "errors or latency must be on"],
    ),
    "questions nobody is asked, a step that is no canary's": (
        "automation: auto\napprove_before: [promote]\nsteps: [{percent: 100}]",
        ["only automation approve asks", "canary has steps from 1 to 99"],
    ),
    "a canary in the shadow, a shadow that others make": (
        "strategy: shadow\nautomation: observe\nsteps: [{percent: 10}]",
        ["use approve or auto", "shadow has a first step at 0 percent"],
    ),
    "unknown steps to approve, bad gates": (
        "automation: approve\napprove_before: [20%]\n"
        "gates: {errors: {margin: 1}, latency: {quantile: 95}}",
        ["no step is named ['20%'], there are 10%, 50%, promote", "margin=1", "quantile=95"],
    ),
    "lists and mappings in the wrong place": (
        "steps: {percent: 10}\ngates: {errors: on}\nno_data: 5\napprove_before: promote",
        ["steps={'percent': 10}", "gates.errors=True", "no_data=5", "approve_before='promote'"],
    ),
    "steps of a strategy without any, negative exposure": (
        "strategy: basic\nsteps: [{percent: 10}]\ngates: {errors: {minimum_events: 0}}",
        ["basic has no steps", "gates.errors.minimum_events=0"],
    ),
    "a key that stands twice": (
        "steps: [{percent: 10, minimum_minutes: 5, percent: 20}]",
        ["'percent': the key stands twice"],
    ),
    "a day": ("no_data: 2020-12-24", ["no_data='2020-12-24'"]),
    "no mapping": ("- canary", ["document=['canary']"]),
}


@pytest.mark.parametrize(("text", "faults"), MALFORMED.values(), ids=MALFORMED.keys())
def test_one_line_names_all_faults(text, faults):
    with pytest.raises(ParameterError) as caught:
        parse(text, "rollout.yaml")
    message = str(caught.value)
    assert message.startswith("rollout.yaml: ")
    assert "\n" not in message
    assert [fault for fault in faults if fault not in message] == []
    # No fault is told twice, and none is invented.
    assert len(message.split("; ")) == len(faults)


def test_a_policy_is_read_from_a_file(tmp_path):
    path = tmp_path / "rollout.yaml"
    path.write_text(WHOLE)
    assert read(path) == parse(WHOLE)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"rollout\.yaml: cannot be read"):
        read(tmp_path / "rollout.yaml")
