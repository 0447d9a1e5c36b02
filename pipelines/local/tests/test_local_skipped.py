from typing import Any

from kanaria.pipelines.local import skip_reasons
from kanaria.pipelines.local.plan import Guard, PipelineInput, Source, Task, TaskOutput
from kanaria.pipelines.local.step import Artifact, StepOutputs

BLESSED = Guard(
    expression="inputs.parameter_values['blessed'] == true",
    inputs={"blessed": TaskOutput(task="judge", key="Output"), "unread": PipelineInput(name="u")},
)
POLICY = Guard(
    expression="inputs.parameter_values['policy'] != ''",
    inputs={"policy": PipelineInput(name="policy_file")},
)


def reason(task: Task, values: dict[Source, Any], metadata: dict[str, Any], *before: str) -> str:
    outcome = Artifact(name="outcome", schema_title="system.Artifact", uri="", metadata=metadata)
    outputs = {"judge": StepOutputs(parameters={}, artifacts={"outcome": outcome}, log="")}
    return skip_reasons.reason(task, frozenset(before), values.__getitem__, outputs)


def guarded(*guards: Guard, after: tuple[str, ...] = ("judge",)) -> Task:
    return Task(
        name="push",
        component={},
        container={},
        parameters={},
        artifacts={},
        after=frozenset(after),
        guards=guards,
        cached=False,
    )


def verdict(passed: bool) -> dict[Source, Any]:
    return {BLESSED.inputs["blessed"]: passed, BLESSED.inputs["unread"]: ""}


def test_a_verdict_tells_its_reasons():
    verdict_document = {"summary": "judge did not pass: AUC 0.4 < 0.5"}
    assert reason(guarded(BLESSED), verdict(False), verdict_document) == verdict_document["summary"]


def test_a_verdict_without_reasons_is_told_by_its_value():
    assert reason(guarded(BLESSED), verdict(False), {}) == "Output of judge is False"


def test_an_empty_parameter_is_named():
    values = {POLICY.inputs["policy"]: ""}
    assert reason(guarded(POLICY), values, {}) == "parameter policy_file is empty"


def test_what_follows_a_skipped_task_is_skipped_for_it():
    assert reason(guarded(after=("a/push",)), {}, {}, "a/push") == "push was skipped"
    both = ("a/push", "a/b/roll-out")
    assert reason(guarded(after=both), {}, {}, *both) == "push, roll-out were skipped"


def test_a_task_whose_conditions_hold_is_wanted():
    assert reason(guarded(BLESSED), verdict(True), {}) == ""
