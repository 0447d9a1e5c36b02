"""The detectors of a watch: fetched when they are needed, tried again while they cannot be."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from kanaria.components.shared.artifacts import release, verified_release
from kanaria.components.shared.errors import DataError, KanariaError, NotReadyError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.serving.drift import detector_document, matrix_columns
from kanaria.serving.drift.detector_document import Choice
from kanaria.serving.drift_watch.examine_window import OWN_FAULTS, Fitted
from kanaria.serving.drift_watch.watch_file import NAME, VERSION

RETRY_SECONDS = 30.0
"""After which a folder that could not be loaded is looked at again."""


def detectors(
    choice: Choice, clock: Callable[[], float] = time.monotonic
) -> Callable[[str], Fitted]:
    """Return what gives the detector of a model version, each loaded once.

    Of one folder for all versions, windows wait until it can be loaded: it raises NotReadyError.
    Of a release's own folder it raises DataError or ParameterError, and the window has failed.

    Args:
        choice: whose folder is one for all versions, or has {version} in its URI.
        clock: seconds.
    """
    if VERSION not in choice.folder:
        return _OfAll(choice, clock)

    @cache
    def of_version(version: str) -> Fitted:
        folder = choice.folder.replace(VERSION, _checked(version))
        return load(replace(choice, folder=folder))

    return of_version


class _OfAll:
    """The detector of all versions."""

    def __init__(self, choice: Choice, clock: Callable[[], float]) -> None:
        self._choice, self._clock = choice, clock
        self._fitted: Fitted | None = None
        self._fault, self._next = "", 0.0

    def __call__(self, _: str) -> Fitted:
        if self._fitted is None:
            self._try()
        if self._fitted is None:
            raise NotReadyError(self._fault)
        return self._fitted

    def _try(self) -> None:
        if self._fault and self._clock() < self._next:
            return
        try:
            self._fitted = load(self._choice)
        except KanariaError as error:
            self._fault, self._next = (
                f"detector {self._choice.folder}: {error}",
                self._clock() + RETRY_SECONDS,
            )


def _checked(version: str) -> str:
    """Return a version that may stand in a path: events come from anywhere."""
    if not re.fullmatch(NAME, version):
        raise DataError(f"version {shown(version)}: it names no release; see the annotation")
    return version


@contextmanager
def _opened(uri: str) -> Iterator[Path]:
    folder, _, name = uri.rstrip("/").rpartition("/")
    if name != release.DRIFT_DETECTOR:
        with uri_files.opened(uri) as path:
            yield path
        return
    with verified_release.opened(folder, name) as part:
        if part is None:
            raise DataError(f"uri={shown(uri)}: no such file or folder; check the path")
        yield part


def load(choice: Choice) -> Fitted:
    """Return the detector in the folder that is chosen, of this program or of Alibi Detect.

    One of a release, by its folder's name, is verified where KANARIA_VERIFY_KEY asks for it.

    Raises:
        KanariaError: it cannot be fetched, or is none.
    """
    with _opened(choice.folder) as fetched:
        try:
            detector, reference = detector_document.load(fetched, choice)
            matrix = matrix_columns.read(fetched)
        except OWN_FAULTS as error:
            raise DataError(
                f"{choice.folder}: no detector: {shown(error)}; save it anew"
            ) from error
    return Fitted(detector=detector, reference=reference, matrix=matrix)
