"""A LiteRT file as the interpreter of devices runs it, on one thread."""

import re
import time
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.export.convert import BEHIND
from kanaria.components.export.gate import Latency
from kanaria.components.export.signature import Arrays, Signature, described, of_rows
from kanaria.components.shared import exception_cause
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.tensors.signature_arrays import Feed

NODE = re.compile(r"Node number \d+ \((\w+)\)")
MOST_CALLS, MOST_SECONDS, WARM_UP_CALLS = 200, 2.0, 5


class LiteModel:
    """The file of one signature, loaded.

    Attributes:
        types: names of the types that its tensors have.
        inputs: name -> type and shape, for instance "float32[?, 64]".
    """

    def __init__(self, content: bytes, signature: Signature) -> None:
        """Load it; what does not load is no file that a device would take.

        Raises:
            DataError: the interpreter refuses it.
        """
        self._signature = signature
        self._content = content
        try:
            self._interpreter: Any = tf.lite.Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
            self._runner: Any = self._interpreter.get_signature_runner(signature.name)
        except (RuntimeError, ValueError) as error:
            raise DataError(self._cause(error)) from error
        details = self._interpreter.get_tensor_details()
        self.types = {np.dtype(detail["dtype"]).name for detail in details}
        self.inputs = {
            name: described(detail["dtype"], detail["shape_signature"])
            for name, detail in self._runner.get_input_details().items()
        }

    def answers(self, feed: Feed) -> dict[str, NDArray[Any]]:
        """Return what it answers to one feed, each output of shape (rows, ...).

        Raises:
            DataError: an operation fails, for instance one that has lost its vocabulary.
        """
        return of_rows(self._signature.where, feed, self._invoked(feed.arrays))

    def _invoked(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        # A fused LSTM goes on from the call before.
        self._interpreter.reset_all_variables()
        try:
            return dict(self._runner(**arrays))
        except (RuntimeError, ValueError) as error:
            raise DataError(self._cause(error)) from error

    def keeps_state(self, feed: Feed) -> bool:
        """Tell whether a call changes what the next one answers, until the variables are reset."""
        first = self._invoked(feed.arrays)
        second = self._runner(**feed.arrays)
        return any(not np.array_equal(first[name], second[name]) for name in first)

    def latency(self, feed: Feed) -> Latency:
        """Measure calls with one feed, whose inputs stay where they are."""
        interpreter = self._with_inputs(feed.arrays)
        for _ in range(WARM_UP_CALLS):
            interpreter.invoke()
        milliseconds, start = list[float](), time.perf_counter()
        while len(milliseconds) < MOST_CALLS and time.perf_counter() - start < MOST_SECONDS:
            before = time.perf_counter()
            interpreter.invoke()
            milliseconds.append((time.perf_counter() - before) * 1e3)
        median, slow = np.quantile(milliseconds, [0.5, 0.95])
        return Latency(
            median=float(median),
            percentile_95=float(slow),
            calls=len(milliseconds),
            rows=len(next(iter(feed.arrays.values()))),
        )

    def _with_inputs(self, arrays: Arrays) -> Any:
        """Return an interpreter of its own that holds the inputs: a runner sets them anew."""
        interpreter = tf.lite.Interpreter(model_content=self._content, num_threads=1)
        places = {name: item["index"] for name, item in self._runner.get_input_details().items()}
        for name, index in places.items():
            interpreter.resize_tensor_input(index, arrays[name].shape)
        interpreter.allocate_tensors()
        for name, index in places.items():
            interpreter.set_tensor(index, arrays[name])
        return interpreter

    def _cause(self, error: Exception) -> str:
        text = exception_cause.message(error)
        nodes = NODE.findall(text)
        begin = f"{self._signature.where}: was converted but does not run"
        if "hashtable" in text.lower():
            return (
                f"{begin}: {', '.join(nodes) or 'a table'} has no entries, for vocabularies that "
                f"are files of the SavedModel ({self._vocabularies()}) do not travel; {BEHIND}, or "
                "make the table by KeyValueTensorInitializer"
            )
        return f"{begin}: {shown(text)}"

    def _vocabularies(self) -> str:
        assets = self._signature.folder / "assets"
        names = sorted(path.name for path in assets.glob("*"))
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
