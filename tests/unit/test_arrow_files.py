"""Files of Arrow's formats are opened in one module, the one that forbids code in them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READERS = {f"pyarrow.{name}" for name in ("parquet", "ipc", "feather", "dataset", "orc")}
MAY = {"arrow_files.py", "write_examples.py"}  # The second one only writes.
FILES = sorted(
    path
    for part in ("components", "pipelines", "serving", "notebooks")
    for path in (ROOT / part).rglob("*.py")
    if "tests" not in path.parts and path.name not in MAY
)


def used(tree: ast.Module) -> set[str]:
    """Return the modules that are imported, and what is reached by a dot, `pa.ipc` in full."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(f"{ast.unparse(node.value)}.{node.attr}".replace("pa.", "pyarrow.", 1))
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}", *(f"{node.module}.{name.name}" for name in node.names)}
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_opens_them(path: Path):
    names = used(ast.parse(path.read_text(encoding="utf-8")))
    assert not names & (READERS | {"pd.read_parquet", "pandas.read_parquet"})
