"""What the source of a module imports and which files it names. Pure: nothing is imported."""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

TOUCHES_SEARCH = (b"sys.path", b"sys.modules", b"sys.meta_path", b"from sys import", b"addsitedir")
"""A source with one of these may find modules in ways of its own."""
LONGEST_NAME = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One name that a source imports.

    Attributes:
        name: dotted; leading dots as Python writes a relative import.
        line: where, from 1.
        is_certain: importing the source imports it, whatever happens: it stands at the top and in
            no branch, function or `try`.
        is_member: it follows `from package import`, so it may be no module.
    """

    name: str
    line: int
    is_certain: bool
    is_member: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a source says: its imports, and every text in it that may name a file."""

    imports: tuple[Import, ...]
    names: frozenset[str]
    touches_search: bool


def _statement(node: ast.AST, is_certain: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names, lineno=line):
            for alias in names:
                yield Import(name=alias.name, line=line, is_certain=is_certain)
        case ast.ImportFrom(module=module, names=names, level=level, lineno=line):
            base = "." * level + (module or "")
            yield Import(name=base, line=line, is_certain=is_certain)
            for alias in names:
                if alias.name != "*":
                    name = f"{base}.{alias.name}" if module else base + alias.name
                    yield Import(name=name, line=line, is_certain=is_certain, is_member=True)
        case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_], lineno=line):
            called = getattr(function, "attr", getattr(function, "id", ""))
            if called in ("import_module", "__import__"):
                yield Import(name=name, line=line, is_certain=False)


def read(source: bytes, file: str) -> Source:
    """Read the source of a module.

    Args:
        source: its bytes.
        file: how errors name it.

    Raises:
        SyntaxError: it is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source, file)
        compile(tree, file, "exec", dont_inherit=True)  # Finds what the parser lets pass.
    imports: list[Import] = []
    names: set[str] = set()
    for statement in tree.body:
        is_certain = isinstance(statement, ast.Import | ast.ImportFrom)
        for node in ast.walk(statement):
            imports += _statement(node, is_certain)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    return Source(
        imports=tuple(imports),
        names=frozenset(name for name in names if 0 < len(name) <= LONGEST_NAME),
        touches_search=any(text in source for text in TOUCHES_SEARCH),
    )
