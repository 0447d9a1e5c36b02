"""Arrow without the pandas that it imports merely to see whether it has been given some of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kanaria.components.shared.imports import post_import_hooks

LEARNS = f"{__package__}.private_arrow_pandas"


@contextmanager
def without_pandas() -> Iterator[None]:
    """Keep Arrow from importing pandas, for work in which there is none; also a decorator.

    The first list that Arrow 10 turns into an array makes it import pandas, 0.3 s and 45 MB. In the
    block an import of pandas fails at once, which Arrow takes for an answer. When pandas is
    imported later, Arrow learns of it. Where pandas is there already, nothing changes.
    """
    if "pandas" in sys.modules:
        yield
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["pandas"]
        post_import_hooks.follow("pandas", LEARNS)
