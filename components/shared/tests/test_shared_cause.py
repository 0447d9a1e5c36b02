"""What an engine raises is told by its cause, whole, without traces and wrappers."""

import itertools

import pytest

from kanaria.components.shared import exception_cause

GRAPH = """Graph execution error:

Detected at node ParseExample defined at (most recent call last):
  File "model.py", line 16, in <module>

Name: <unknown>, Key: x, Index: 0.  Data types don't match.
Data type: int64 but expected type: float
\t [[{{node ParseExample}}]]
\t [[IteratorGetNext]] [Op:__inference_f_11]"""
KERAS = """in user code:

    File "base_metric.py", line 722, in update_state  *
        matches = ag_fn(y_true, y_pred)

    ValueError: Shapes (3, 1) and (3, 3) are incompatible
"""
OP = (
    "{{function_node __wrapped__Cast_device_/job:localhost}} Cast is not supported [Op:Cast] name: "
)
TFMA = "no value for label\n\nto_label_prediction_example_weight(inputs={'labels': ...})"
BEAM = "division by zero [while running 'Map(rate)']"


class OpError(Exception):
    """Named as TensorFlow's, which the shared layer does not import."""


def raised(*errors: Exception) -> Exception:
    """Return the last of `errors`, each raised from the one before."""
    for inner, outer in itertools.pairwise(errors):
        outer.__cause__ = inner
    return errors[-1]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (GRAPH, "Key: x, Index: 0.  Data types don't match. Data type: int64 but expected type"),
        (KERAS, "'ValueError: Shapes (3, 1) and (3, 3) are incompatible'"),
        (OP, "'Cast is not supported'"),
        (TFMA, "'no value for label'"),
        (BEAM, "'division by zero'"),
        ("first\nsecond", "'first second'"),
        ("", "''"),
    ],
)
def test_a_message_is_told_whole_and_without_places(text: str, part: str):
    summary = exception_cause.summary(ValueError(text))
    assert part in summary
    assert summary.startswith("ValueError: ")
    assert "\n" not in summary
    assert "Graph execution" not in summary


def test_what_tensorflow_raised_counts_before_what_is_wrapped_around_it():
    assert (
        exception_cause.summary(raised(OpError("no float"), ValueError("Batch")))
        == "OpError: 'no float'"
    )


def test_wrappers_of_tfma_are_looked_through():
    outer = RuntimeError("add_input failed on <object> with inputs: [0, 1]")
    assert (
        exception_cause.summary(raised(ValueError("no label"), outer)) == "ValueError: 'no label'"
    )


def test_an_error_of_python_is_told_by_its_outermost():
    assert (
        exception_cause.summary(raised(KeyError("x"), ValueError("no x"))) == "ValueError: 'no x'"
    )


def test_a_very_long_message_is_cut():
    assert len(exception_cause.summary(ValueError("x" * 10_000))) < 1_100
