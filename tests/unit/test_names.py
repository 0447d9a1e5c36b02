"""A name says what it holds: `services`, `limit`; a bare participle, such as `found`, does not."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EMPTY = {"asked", "found", "given", "kept", "known", "seen", "told"}
ROOMS = sorted(
    room
    for part in ("components", "pipelines", "serving", "tests", ".github")
    for room in (ROOT / part).iterdir()
    if room.is_dir() or room.suffix == ".py"
)


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every name that a module gives to something, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name, node.lineno
            case ast.alias(asname=str(name)):
                yield name, node.lineno


def empty_names(text: str) -> list[tuple[str, int]]:
    """Return the names that say nothing, with their lines."""
    return [
        (name, line) for name, line in names(ast.parse(text)) if name.strip("_").lower() in EMPTY
    ]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_no_name_is_a_bare_participle(room: Path):
    files = [room] if room.is_file() else sorted(room.rglob("*.py"))
    faults = [
        f"{path.relative_to(ROOT)}:{line}: {name}: name the thing itself"
        for path in files
        for name, line in empty_names(path.read_text(encoding="utf-8"))
    ]
    assert faults == []


@pytest.mark.parametrize(
    "text",
    [
        "found = 1",
        "def told(): pass",
        "def f(*, asked=1): pass",
        "class Kept: pass",
        "x._seen = 1",
        "for i, known in pairs: pass",
        "try: pass\nexcept E as given: pass",
        "import x as found",
        "if (found := f()): pass",
        "lambda given: 1",
    ],
)
def test_each_way_to_give_a_name_is_looked_at(text: str):
    assert len(empty_names(text)) == 1


def test_names_that_hold_such_a_word_and_uses_of_others_are_fine():
    assert empty_names("known_hosts = other.found\nprint(found, told=1)") == []
