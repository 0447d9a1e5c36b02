"""What a request for explanations asks for. Pure.

    {"instances": [row, ...], "parameters": {"output": "scores", "column": 1, "top_k": 5}}

Source: KServe, V1 inference protocol, "Explain"; the parameters are ours, named as those of SHAP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.config import keys
from kanaria.components.shared.config.keys import Key, Kind
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.explanation.explanation_method import AUTO, Settings, method
from kanaria.serving.protocol.json_body import RequestError

MOST_INSTANCES = 100
LINKS = ("identity", "logit")
PARAMETERS = "parameters"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one request may cost.

    Attributes:
        max_evals: most coalitions an instance, and how many there are by default.
        background_rows: how many rows of the background stand for absent features.
        time_limit: seconds until a request is given up.
        rows_per_call: most rows of one request to the predictor; 0 for all of an explanation.
    """

    max_evals: int = 512
    background_rows: int = 25
    time_limit: float = 30.0
    rows_per_call: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainRequest:
    """A request that was read.

    Attributes:
        instances: rows, as in a request for predictions.
        output: name of the output; "" for the only one of numbers.
        column: which of its values; -1 for the only one.
        link: one of LINKS.
        top_k: how many features are told, the others summed; 0 for all.
        settings: of the explainer.
    """

    instances: Sequence[Any]
    output: str
    column: int
    link: str
    top_k: int
    settings: Settings


def _keys(limits: Limits) -> tuple[Key, ...]:
    return (
        Key(name="output", kind=Kind.TEXT, meaning="name of the output.", default=""),
        Key(name="column", kind=Kind.INTEGER, meaning="which of its values.", default=-1),
        Key(name="link", kind=Kind.TEXT, meaning="identity or logit.", default=LINKS[0]),
        Key(name="explainer", kind=Kind.TEXT, meaning="auto, exact, permutation.", default=AUTO),
        Key(
            name="max_evals",
            kind=Kind.INTEGER,
            meaning="most coalitions an instance.",
            default=limits.max_evals,
        ),
        Key(name="top_k", kind=Kind.INTEGER, meaning="how many features are told.", default=0),
        Key(name="seed", kind=Kind.INTEGER, meaning="of the permutations.", default=0),
    )


def read(document: Any, limits: Limits) -> ExplainRequest:
    """Return what a request asks for.

    Raises:
        RequestError: it is none, or a parameter is wrong; all of them are named.
    """
    if not isinstance(document, dict):
        raise RequestError('the body is not a JSON object {"instances": [row, ...]}')
    instances = document.get("instances")
    if not isinstance(instances, list) or not instances:
        raise RequestError('instances: send {"instances": [row, ...]} with at least one row')
    if len(instances) > MOST_INSTANCES:
        raise RequestError(f"instances: {len(instances)} rows; send up to {MOST_INSTANCES}")
    faults = Faults("explain")
    values = keys.read(document.get(PARAMETERS) or {}, _keys(limits), PARAMETERS, faults)
    _check(values, limits, faults)
    settings = Settings(
        explainer=values["explainer"], max_evals=values["max_evals"], seed=values["seed"]
    )
    method(settings, 1, faults)
    try:
        faults.raise_if_any()
    except ParameterError as error:
        raise RequestError(str(error)) from error
    names = ("output", "column", "link", "top_k")
    return ExplainRequest(
        instances=instances, settings=settings, **{name: values[name] for name in names}
    )


def _check(values: Mapping[str, Any], limits: Limits, faults: Faults) -> None:
    faults.check(values["column"] >= -1, "column", values["column"], "use 0 or more")
    faults.check(values["link"] in LINKS, "link", values["link"], f"use {' or '.join(LINKS)}")
    faults.check(values["top_k"] >= 0, "top_k", values["top_k"], "use 1 or more; 0 for all")
    most = limits.max_evals
    fits = values["max_evals"] <= most
    faults.check(fits, "max_evals", values["max_evals"], f"this server allows up to {most}")


def chosen_method(settings: Settings, features: int) -> str:
    """Return `exact` or `permutation` for rows of so many features.

    Raises:
        RequestError: `max_evals` does not allow it.
    """
    faults = Faults("explain")
    chosen = method(settings, features, faults)
    try:
        faults.raise_if_any()
    except ParameterError as error:
        raise RequestError(str(error)) from error
    return chosen


def features_of(
    instance: Any, names: Sequence[str], number: int, *, in_matrix: bool = False
) -> dict[str, Any]:
    """Return an instance as name -> value; a value alone is that of a single input.

    Args:
        instance: as it came.
        names: of the model's inputs, in the order of its matrix where it takes one.
        number: of the instance, for messages.
        in_matrix: whether it takes one, so that a list holds the values of all inputs.

    Raises:
        RequestError: it has a name that is no input, or another number of values.
    """
    if in_matrix and isinstance(instance, list):
        if len(instance) != len(names):
            raise RequestError(
                f"instances[{number}]: {len(instance)} values; send those of {shown(list(names))}"
            )
        return dict(zip(names, instance, strict=True))
    if not isinstance(instance, dict) or set(instance) == {"b64"}:
        if len(names) != 1:
            raise RequestError(
                f"instances[{number}]: {shown(instance)} is not a dictionary of the inputs "
                f"{shown(list(names))}"
            )
        return {names[0]: instance}
    unknown = sorted(set(instance) - set(names))
    if unknown:
        raise RequestError(
            f"instances[{number}]: {shown(unknown)} are no inputs; there are {shown(list(names))}"
        )
    return instance
