"""Files of Arrow's formats are opened in one module, the one that forbids code in them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPENS = ("pq.", "pa.ipc.", "ipc.", "feather.", "orc.", "ds.", "pd.read_parquet")
FILES = sorted(
    path
    for part in ("components", "pipelines", "serving", "notebooks")
    for path in (ROOT / part).rglob("*.py")
    if "tests" not in path.parts and path.name != "arrow_files.py"
)


def opened(tree: ast.Module) -> Iterator[str]:
    """Yield the calls that may open a file, and imports that would hide one under another name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(OPENS):
            yield ast.unparse(node.func)
        if isinstance(node, ast.ImportFrom) and f"{node.module}".startswith("pyarrow."):
            yield f"{node.module}"
        if isinstance(node, ast.Import):
            yield from (
                f"{name.name} as {name.asname}"
                for name in node.names
                if name.name.startswith("pyarrow.parquet") and name.asname != "pq"
            )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_opens_them(path: Path):
    openers = set(opened(ast.parse(path.read_text(encoding="utf-8"))))
    # What ingestion spools, it wrote a moment ago itself.
    own = {"pa.ipc.open_stream"} if path.name == "row_spool.py" else set()
    written = {"pq.ParquetWriter", "pa.ipc.IpcWriteOptions", "pa.ipc.new_stream"}
    assert not openers - written - own
