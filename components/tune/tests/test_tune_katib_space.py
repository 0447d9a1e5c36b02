"""Katib's space is KerasTuner's: no value of either is none of the other, and each comes back."""

import json

import keras_tuner
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.tuning.katib_parameter import Kind, Parameter, text
from kanaria.components.tune import katib_algorithms, katib_space

SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~/%+")
"""Of these are the texts that stand in a template of JSON without quoting."""
NAMES = st.text(min_size=1, max_size=8)


@st.composite
def numbers(draw):
    """Draw a hyperparameter of numbers: kind, bounds, sampling, step."""
    is_int = draw(st.booleans())
    sampling = draw(st.sampled_from(["linear", "log"]))
    least = 1 if sampling == "log" else -50
    bounds = st.integers(least, 200) if is_int else st.floats(least / 1000, 200)
    low, high = sorted([draw(bounds), draw(bounds)])
    low = low if sampling == "linear" else max(low, 1 if is_int else 1e-5)
    high = max(low, high)
    steps = st.integers(2, 9) if sampling == "log" or is_int else st.floats(0.3, 9)
    step = draw(st.none() | steps)
    kind = "Int" if is_int else "Float"
    return kind, {"min_value": low, "max_value": high, "sampling": sampling, "step": step}


LISTS = st.one_of(
    st.lists(st.text(max_size=6), min_size=1, max_size=5),
    st.lists(st.integers(-9, 9), min_size=1, max_size=5),
    st.lists(st.floats(-9, 9), min_size=1, max_size=5),
)
ONE = numbers() | LISTS.map(lambda values: ("Choice", {"values": values}))
ONE |= st.just(("Boolean", {}))


def made(kind: str, arguments: dict, name: str = "x") -> Parameter | None:
    """Return the parameter of one hyperparameter, None where that has one value only."""
    space = keras_tuner.HyperParameters()
    getattr(space, kind)(name, **arguments)
    space.Boolean("beside it")
    varied, _ = katib_space.parameters(space, "m.py")
    return next((one for one in varied if one.name == name), None)


def accepts(kind: str, arguments: dict, value: object) -> bool:
    """Tell whether KerasTuner itself could have chosen a value."""
    space = keras_tuner.HyperParameters()
    getattr(space, kind)("x", **arguments)
    hyperparameter = space.space[0]
    if kind in ("Choice", "Boolean") or arguments["step"]:
        kinds = int if kind == "Int" else type(value)
        return value in [kinds(one) for one in hyperparameter.values]
    return arguments["min_value"] <= value <= arguments["max_value"]


@settings(max_examples=300, deadline=None)
@given(ONE, st.floats(0, 1, exclude_max=True))
def test_every_value_of_keras_tuner_comes_back_from_katib(one, share):
    kind, arguments = one
    parameter = made(kind, arguments)
    space = keras_tuner.HyperParameters()
    getattr(space, kind)("x", **arguments)
    value = space.space[0].prob_to_value(share)
    if parameter:
        back = parameter.value(text(value))
        assert type(back) is type(value)
        is_range = parameter.kind is Kind.DOUBLE  # The last digit may lie beside a bound.
        assert back == (pytest.approx(value, rel=1e-9) if is_range else value)


@settings(max_examples=300, deadline=None)
@given(ONE, st.floats(0, 1))
def test_every_value_of_katib_is_one_of_keras_tuner(one, share):
    kind, arguments = one
    parameter = made(kind, arguments)
    if not parameter:
        return
    feasible = parameter.feasible_space()
    if "list" in feasible:
        assert len(set(feasible["list"])) == len(feasible["list"])
        texts = feasible["list"]
    else:
        low, high = float(feasible["min"]), float(feasible["max"])
        number = low + share * (high - low)
        texts = [str(round(number)) if parameter.kind is Kind.INT else repr(number)]
    for one_text in texts:
        assert set(one_text) <= SAFE and one_text
        assert json.loads(f'"{one_text}"') == one_text
        assert accepts(kind, arguments, parameter.value(one_text))


@given(st.lists(NAMES, min_size=1, max_size=6, unique=True))
def test_every_name_has_one_of_its_own_that_katib_takes(names):
    katib = katib_space.katib_names(names)
    assert list(katib) and set(katib) == set(names)
    assert len(set(katib.values())) == len(names)
    for name, other in katib.items():
        assert other and not katib_space.UNSAFE.search(other)
        assert name == other or katib_space.UNSAFE.search(name)


@pytest.mark.parametrize(
    ("low", "high", "assigned", "value"),
    [
        (1e-5, 1.0, "9.999999999999999e-06", 1e-5),  # exp(log(1e-5)) of hyperopt.
        (1e-5, 1.0, "1.0000000000000002", 1.0),
        (0.0, 0.5, "-0.0", 0.0),
    ],
)
def test_what_rounding_puts_beside_a_bound_is_the_bound(low, high, assigned, value):
    parameter = Parameter(name="x", katib_name="x", kind=Kind.DOUBLE, low=low, high=high)
    assert parameter.value(assigned) == value


@pytest.mark.parametrize("assigned", ["", "nan", "inf", "1.1", "-0.1", "one", "0x1", "${x}"])
def test_what_is_no_value_is_refused(assigned):
    parameter = Parameter(name="x", katib_name="x", kind=Kind.DOUBLE, low=0, high=1)
    with pytest.raises(DataError, match="no value of the hyperparameter 'x'"):
        parameter.value(assigned)


def test_half_an_integer_and_another_case_are_refused():
    whole = Parameter(name="x", katib_name="x", kind=Kind.INT, low=0, high=9)
    assert repr(whole.value("4.0")) == "4"
    words = Parameter(name="x", katib_name="x", kind=Kind.CATEGORICAL, values=("a", "1"))
    assert words.value("1") == "1"
    for parameter, assigned in [(whole, "4.5"), (words, "A"), (words, "1.0")]:
        with pytest.raises(DataError, match="no value"):
            parameter.value(assigned)


def test_a_step_is_a_list_as_keras_tuner_counts_it():
    kinds = {
        "off the grid": ("Int", {"min_value": 6, "max_value": 13, "step": 3}, (6, 9, 12)),
        "powers": (
            "Int",
            {"min_value": 2, "max_value": 33, "step": 2, "sampling": "log"},
            (2, 4, 8, 16, 32),
        ),
        "tens": (
            "Float",
            {"min_value": 0.001, "max_value": 1, "step": 10, "sampling": "log"},
            (0.001, 0.01, 0.1, 1.0),
        ),
    }
    for kind, arguments, values in kinds.values():
        parameter = made(kind, arguments)
        assert parameter.kind is Kind.DISCRETE
        assert parameter.values == pytest.approx(values)
        assert {type(value) for value in parameter.values} == {type(values[0])}


def test_what_has_one_value_is_no_parameter():
    space = keras_tuner.HyperParameters()
    space.Fixed("layers", 3)
    space.Int("units", 8, 8)
    space.Choice("how", ["only"])
    space.Float("rate", 0.1, 0.2)
    varied, fixed = katib_space.parameters(space, "m.py")
    assert [one.name for one in varied] == ["rate"]
    assert fixed == {"layers": 3, "units": 8, "how": "only"}


def test_everything_that_katib_has_not_is_named_at_once():
    space = keras_tuner.HyperParameters()
    space.Choice("kind", ["dense", "conv"])
    with space.conditional_scope("kind", ["conv"]):
        space.Int("filters", 1, 8)
    space.Float("momentum", 0.5, 0.99, sampling="reverse_log")
    space.Int("many", 0, 10**9, step=7)
    with pytest.raises(ParameterError) as raised:
        katib_space.parameters(space, "m.py: tuner_fn")
    message = str(raised.value)
    assert message.startswith("m.py: tuner_fn: hyperparameter 'filters': it depends on 'kind'")
    assert "'momentum': Katib has no reverse_log" in message
    assert "'many': it has more than 1,000 values" in message


def test_a_space_that_only_trials_name_is_refused():
    with pytest.raises(ParameterError, match="make the tuner with hyperparameters="):
        katib_space.parameters(keras_tuner.HyperParameters(), "m.py")


REAL = Parameter(name="real", katib_name="real", kind=Kind.DOUBLE, low=-1, high=1)
RATE = Parameter(name="rate", katib_name="rate", kind=Kind.DOUBLE, low=0.1, high=1, is_log=True)
WHOLE = Parameter(name="whole", katib_name="whole", kind=Kind.INT, low=0, high=3)
LIST = Parameter(name="list", katib_name="list", kind=Kind.DISCRETE, values=(1, 2, 3))


@pytest.mark.parametrize(
    ("algorithm", "parameters", "trials", "words"),
    [
        ("random", (REAL, RATE, LIST), 9, ""),
        ("grid", (WHOLE, LIST), 12, ""),
        ("grid", (WHOLE, LIST), 13, "the grid has 12 trials"),
        ("grid", (WHOLE, REAL), 3, "a grid needs a step: give one to 'real'"),
        ("bayesianoptimization", (RATE, WHOLE), 9, ""),
        ("bayesianoptimization", (REAL,), 9, "it takes logarithms of 'real'"),
        ("cmaes", (REAL, WHOLE), 9, ""),
        ("cmaes", (REAL, LIST), 9, "it needs two ranges"),
        ("cmaes", (RATE, WHOLE), 9, "no sampling by logarithm, of 'rate'"),
        ("hyperband", (REAL,), 9, "how long a trial runs is no hyperparameter"),
        ("randm", (REAL,), 9, "use one of random, tpe"),
    ],
)
def test_which_algorithm_searches_which_space(algorithm, parameters, trials, words):
    fault = katib_algorithms.fault(algorithm, parameters, trials)
    assert (words in fault) if words else not fault
