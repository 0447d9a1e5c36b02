import errno

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from kanaria.components.shared.errors import DataError, KanariaError, UserCodeError
from kanaria.components.transform.failure_cause import guarded


def raise_wrapped(inner, outer):
    try:
        raise inner
    except Exception as error:
        raise outer from error


def message_of(kind, inner, outer):
    with pytest.raises(kind) as caught:
        guarded("f.py: fn on split train", raise_wrapped, inner, outer)
    return str(caught.value)


def test_the_graphs_own_error_counts_before_what_is_wrapped_around_it():
    text = (
        "Graph execution error:\n\nDetected at node x\nassertion failed: [too dear]\n\t [[{{x}}]]"
    )
    inner = tf.errors.InvalidArgumentError(None, None, text)
    message = message_of(UserCodeError, inner, ValueError("Batch instances:\nmuch"))
    assert message.startswith("f.py: fn on split train failed with InvalidArgumentError: ")
    assert "'assertion failed: [too dear]'" in message


def test_an_error_that_says_what_to_do_is_kept_as_it_is():
    assert message_of(DataError, DataError("mend it"), RuntimeError("in Beam")) == "mend it"


@pytest.mark.parametrize(
    "inner",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "/x/y; No space left on device"),
    ],
)
def test_a_full_disk_is_no_fault_of_the_user(inner):
    assert "No space left" in message_of(OSError, inner, RuntimeError("in Beam"))


def test_an_error_of_the_engine_is_not_blamed_on_the_user():
    def fails_in_beam():
        with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(flags=[])) as pipeline:
            numbers = pipeline | beam.Create([1])
            _ = numbers | beam.CombinePerKey(sum)  # No pairs: Beam itself fails.

    with pytest.raises(KanariaError) as caught:
        guarded("f.py: fn on split train", fails_in_beam)
    assert not isinstance(caught.value, UserCodeError)
    assert "no fault of the function" in str(caught.value)


def test_an_error_of_the_users_code_within_beam_is_the_users():
    def fails_in_user_code():
        with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(flags=[])) as pipeline:
            _ = pipeline | beam.Create([0]) | beam.Map(lambda number: 1 / number)

    with pytest.raises(UserCodeError, match="ZeroDivisionError: 'division by zero'"):
        guarded("f.py: fn on split train", fails_in_user_code)


def test_other_errors_are_told_whole():
    message = message_of(UserCodeError, KeyError("x"), ValueError("\nfirst\nsecond"))
    assert "ValueError: 'first second'" in message
