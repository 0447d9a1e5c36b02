import errno

import pytest
import tensorflow as tf

from kanaria.components.shared.errors import DataError, UserCodeError
from kanaria.components.transform.cause import guarded


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


def test_other_errors_are_told_by_their_first_line():
    message = message_of(UserCodeError, KeyError("x"), ValueError("\nfirst\nsecond"))
    assert "ValueError: 'first'" in message
