"""Tells when a file has changed and is whole.

Editors empty a file before they write it, and the first half of a manifest may be a manifest too:
one without its canary's percentage would promote the canary. So what an editor writes is whole
when it has been left alone for a while.
"""

import time
from collections.abc import Callable
from pathlib import Path

REST_SECONDS = 0.3
"""Longer than any program needs to write a manifest, shorter than a person notices."""


class FileChanges:
    """Looks at one file again and again."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Look at `path`; `clock` returns seconds and never goes back."""
        self._path, self._clock = path, clock
        self._stamp: tuple[int, ...] = ()
        self._since, self._is_reported = 0.0, True

    def changed(self, is_whole: Callable[[], bool] = lambda: False) -> bool:
        """Tell once of each change, when the file has been the same for a while.

        Args:
            is_whole: asked once of each change, whether it need not be waited for.

        Raises:
            OSError: there is no such file, or it may not be looked at.
        """
        entry = self._path.stat()
        # Two writes within one tick of the clock differ by their size alone.
        stamp = (entry.st_mtime_ns, entry.st_ctime_ns, entry.st_size, entry.st_ino)
        if stamp != self._stamp:
            self._stamp, self._since, self._is_reported = stamp, self._clock(), False
            self._is_reported = is_whole()
            return self._is_reported
        if self._is_reported or self._clock() - self._since < REST_SECONDS:
            return False
        self._is_reported = True
        return True

    def look_again(self) -> None:
        """Tell of the file once more, although it may be the same."""
        self._stamp = ()
