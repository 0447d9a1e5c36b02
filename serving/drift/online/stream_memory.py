"""Where a stream is between two windows, as bytes that a store keeps; no pickle.

The thresholds are part of it, so a restart neither simulates them anew nor forgets the run. They
hold for one detector and reference only: for another one a new stream begins.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from kanaria.serving.drift.detector import Columns, Reference, Result
from kanaria.serving.drift.online.online_detector import OnlineDetector, State
from kanaria.serving.drift.online.stream_window import tested

MARK = "mark"
"""Of the detector and the reference that the memory belongs to."""


@dataclass(slots=True)
class Following:
    """An online detector in the midst of a stream: each test goes on where the last one ended."""

    detector: OnlineDetector[Any]
    state: State

    @property
    def name(self) -> str:
        """The name of the detector."""
        return self.detector.name

    def fit(self, rows: Columns) -> Reference:
        """Return the reference of `rows`."""
        reference: Reference = self.detector.fit(rows)
        return reference

    def test(self, reference: Reference, window: Columns) -> Result:
        """Return how the next rows of the stream compare with the reference."""
        self.state, result = tested(self.detector, reference, self.state, window)
        return result

    def memory(self, reference: Reference) -> bytes:
        """Return what `resumed` goes on from."""
        written = io.BytesIO()
        mark = np.array(_mark(self.detector, reference))
        np.savez_compressed(written, **{MARK: mark}, **self.state.arrays())
        return written.getvalue()


def resumed(detector: OnlineDetector[Any], reference: Reference, memory: bytes | None) -> Following:
    """Return the detector where `memory` left it; at the start of a stream without one of its own.

    Raises:
        DataError: the reference is too small.
    """
    return Following(detector, _state(detector, reference, memory) or detector.start(reference))


def _state(
    detector: OnlineDetector[Any], reference: Reference, memory: bytes | None
) -> State | None:
    if memory is None:
        return None
    try:
        with np.load(io.BytesIO(memory), allow_pickle=False) as held:
            same = str(held[MARK]) == _mark(detector, reference)
            return State.from_arrays(held) if same else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # What another release wrote.


def _mark(detector: OnlineDetector[Any], reference: Reference) -> str:
    digest = hashlib.sha256(f"{detector.name} ".encode())
    digest.update(TypeAdapter(type(detector)).dump_json(detector))
    for name, values in sorted(reference.arrays().items()):
        digest.update(f"{name} {values.dtype} {values.shape} ".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
