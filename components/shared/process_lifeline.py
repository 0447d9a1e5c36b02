"""Ties a process to its parent, so that a killed server leaves nothing behind."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Ask the kernel to end this process when its parent, process id `parent`, ends.

    The parent may have ended before the kernel was asked; then this process exits now.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the server ended")
