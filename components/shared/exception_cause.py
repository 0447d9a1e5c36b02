"""The cause in what TensorFlow, TFT, TFMA and Beam raise, whole and on one line.

Their messages begin with where in the graph or in the engine it happened, which means nothing
to a user, and end with the inputs of whole batches.
"""

import re
from collections.abc import Iterator

from kanaria.components.shared.errors import shown

LONGEST = 1_000
"""Characters of a cause: whole messages of TensorFlow, but not the batches that TFMA adds."""

_NOISE = re.compile(
    r"Graph execution error|Detected at node|<stack traces|\[\[\{\{|\[\[\w+\]\]"
    r"|in user code:|Traceback \(most recent call last\)"
)
_MARKS = re.compile(
    r"\{\{function_node [^}]*\}\} ?| ?\[Op:[^\]]*\]( name: ?\w*)?| ?\[while running '[^']*'\]"
)
# TFMA and Beam begin so what they wrap around an error.
_WRAPPERS = (
    "add_input failed on",
    "merge_accumulators failed",
    "extract_output failed",
    "TF Metric ",
)
_TFMA_CALL = "\n\nto_label_prediction_example_weight("


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that it was raised from, the outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_of_tensorflow(error: BaseException) -> bool:
    """Tell whether TensorFlow's runtime raised it (`tf.errors.OpError`)."""
    return any(kind.__name__ == "OpError" for kind in type(error).__mro__)


def root(error: BaseException) -> BaseException:
    """Return the link of the chain to tell: TensorFlow's own, else the first that wraps nothing."""
    links = list(chain(error))
    raised = [link for link in links if is_of_tensorflow(link)]
    telling = [link for link in links if not str(link).startswith(_WRAPPERS)]
    return (raised[-1:] or telling or links)[0]


def _message_lines(text: str) -> Iterator[str]:
    """Yield the lines of a message that are no traces of frames or places in a graph."""
    frame: int | None = None
    for line in text.partition(_TFMA_CALL)[0].splitlines():
        indent = len(line) - len(line.lstrip())
        is_frame = line.lstrip().startswith('File "')
        if frame is not None and not is_frame and line.strip() and indent > frame:
            continue  # The source of the frame above.
        frame = indent if is_frame else None
        if not is_frame and line.strip() and not _NOISE.match(line.strip()):
            yield _MARKS.sub("", line.strip())


def message(error: BaseException) -> str:
    """Return what an error says, on one line, without traces."""
    return " ".join(dict.fromkeys(_message_lines(str(error)))) or " ".join(str(error).split())


def summary(error: BaseException) -> str:
    """Return type and message of the cause of `error`, for instance "ValueError: 'no x'"."""
    cause = root(error)
    return f"{type(cause).__name__}: {shown(message(cause), LONGEST)}"
