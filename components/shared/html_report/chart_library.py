"""Vega, Vega-Lite and Vega-Embed as one script, which a page carries, packed.

vl-convert, the Vega project's own package, brings them. To make the script takes it some 2 s and
150 MB, so it is kept in the environment, below `share/kanaria`. `make install` and the images make
it beforehand: they run this file by itself, so it imports nothing of Kanaria.
"""

import base64
import gzip
import os
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = "vl-convert-python"


def installed_script() -> Path:
    """Return where this environment keeps the script of the installed version."""
    return Path(sys.prefix) / "share" / "kanaria" / f"vega-{metadata.version(PACKAGE)}.txt"


def _made() -> str:
    import vl_convert  # 84 MB; few processes get here.

    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # Its types lack a default.
    packed = gzip.compress(script.encode(), mtime=0)
    return base64.b64encode(packed).decode("ascii")


def _keep(script: str) -> None:
    """Write the script, whole or not at all; other processes may do the same."""
    path = installed_script()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(script, encoding="ascii")
    partial.replace(path)


@cache
def packed_script() -> str:
    """Return the script, compressed by gzip, as base64: 0.4 MB.

    It defines `vega`, `vegaLite` and `vegaEmbed` on `window`. Where the environment cannot be
    written each process makes it anew.
    """
    if installed_script().is_file():
        return installed_script().read_text(encoding="ascii")
    script = _made()
    try:
        _keep(script)
    except OSError:
        return script
    return script


if __name__ == "__main__":
    packed_script()
