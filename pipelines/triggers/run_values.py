"""The parameters of a run that a trigger starts. Pure but for reading files."""

import json
from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.artifacts.trigger_cause import PARAMETER
from kanaria.pipelines.compiled_pipelines import documents
from kanaria.pipelines.local import arguments
from kanaria.pipelines.local.plan import Plan, interface
from kanaria.serving.triggers.trigger_file import Start


def plan_of(start: Start) -> Plan:
    """Return the name and the parameters of the pipeline.

    Raises:
        ParameterError: there is no such pipeline.
    """
    return interface(next(iter(documents(start.pipeline)), None))


def settings(start: Start) -> list[str]:
    """Return what the file sets as the command line writes it."""
    return [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in start.set.items()
    ]


def values(start: Start, cause: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """Return the parameters that a trigger gives, with what started the run.

    Args:
        start: of the trigger.
        cause: of the run; it is told to a pipeline that has the parameter `trigger`.
        plan: of the pipeline.

    Raises:
        ParameterError: the config cannot be read, or a setting leads nowhere.
    """
    parameters = arguments.of_command_line(start.config, settings(start), plan)
    return {**parameters, PARAMETER: dict(cause)} if is_told(plan) and cause else parameters


def is_told(plan: Plan) -> bool:
    """Tell whether a pipeline takes what started it."""
    return plan.parameters.get(PARAMETER, {}).get("parameterType") == "STRUCT"
