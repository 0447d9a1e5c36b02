"""Prism, Beam's own runner that speaks the protocol of job servers, for tests."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from control_plane import binaries
from control_plane.layout import BINARIES

PATIENCE = 60


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run Prism, which is built if it is not there; yield the address of its job server."""
    binaries.build(binaries.PRISM)
    log = folder / "prism.log"
    command = [str(BINARIES / "prism"), "--job_port=0", "--serve_http=false", "--log_kind=json"]
    with log.open("wb") as output, subprocess.Popen(command, stderr=output) as process:
        try:
            yield _address(log, process)
        finally:
            process.kill()


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        for line in log.read_text().splitlines():
            line_document = json.loads(line)
            if "endpoint" in line_document:
                return str(line_document["endpoint"])
        time.sleep(0.1)
    raise AssertionError(f"Prism does not serve:\n{log.read_text()[-3000:]}")
