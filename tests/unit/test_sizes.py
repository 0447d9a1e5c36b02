"""Files stay under 500 lines and functions under 60, so that one sitting reads them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for part in ("components", "pipelines", "serving", "tests", ".github")
    for path in (ROOT / part).rglob("*.py")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_and_its_functions_are_small(path: Path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # A KFP interface needs its long signature and docstring; what counts is the code.
            start = node.body[1 if ast.get_docstring(node) and node.body[1:] else 0]
            length = (node.end_lineno or 0) - start.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"
