"""Vega, Vega-Lite and Vega-Embed as one script, which a page carries, packed.

vl-convert, the Vega project's own package, brings them. To make the script takes it some 2 s and
150 MB, so it is kept in the environment, below `share/kanaria`; `make install` and the images make
it beforehand.
"""

import base64
import gzip
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from kanaria.components.shared import atomic
from kanaria.components.shared.errors import NotReadyError

PACKAGE = "vl-convert-python"


def _kept() -> Path:
    """Return where this environment keeps the script of the installed version."""
    return Path(sys.prefix) / "share" / "kanaria" / f"vega-{metadata.version(PACKAGE)}.txt"


def _made() -> str:
    import vl_convert  # 84 MB; few processes get here.

    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # Its types lack a default.
    packed = gzip.compress(script.encode(), mtime=0)
    return base64.b64encode(packed).decode("ascii")


@cache
def packed_script() -> str:
    """Return the script, compressed by gzip, as base64: 0.4 MB.

    It defines `vega`, `vegaLite` and `vegaEmbed` on `window`.
    """
    kept = _kept()
    if kept.is_file():
        return kept.read_text(encoding="ascii")
    script = _made()
    try:
        atomic.write_text(kept, script)
    except (OSError, NotReadyError):
        return script  # An environment that cannot be written makes it anew in each process.
    return script


if __name__ == "__main__":
    packed_script()
