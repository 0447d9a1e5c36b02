"""What the source of a module imports and which files it names. Pure: nothing is imported."""

import ast
import warnings
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

TOUCHES_SEARCH = (b"sys.path", b"sys.modules", b"sys.meta_path", b"from sys import", b"addsitedir")
"""A source with one of these may find modules in ways of its own."""
LONGEST_NAME = 255
"""Bytes of a file's name on Linux."""
PLACES = ("__file__", "__path__", "__package__", "__name__")
"""What tells a source where it lies."""
LISTING = frozenset(
    {"iter_modules", "walk_packages", "listdir", "scandir", "walk", "iterdir", "contents"}
    | {"glob", "iglob", "rglob"}
)
"""Functions and methods that list a folder."""


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
    """What a source says.

    Attributes:
        imports: what it imports.
        names: every text in it that may name a file or a folder below its own.
        touches_search: whether it may find modules in ways of its own.
        lists_folder: whether it looks at what lies in its own folder, or in that of a module.
    """

    imports: tuple[Import, ...]
    names: frozenset[str]
    touches_search: bool
    lists_folder: bool


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


def _mentions(node: ast.AST, names: Set[str]) -> bool:
    """Tell whether an expression has one of the names, as a variable or as an attribute."""
    words = (getattr(each, "id", getattr(each, "attr", "")) for each in ast.walk(node))
    return any(name in names for name in words)


def _may_lie_below(name: str) -> bool:
    size = len(name.encode(errors="surrogatepass"))
    is_name = 0 < size <= LONGEST_NAME and "\0" not in name and "\n" not in name
    return is_name and not name.startswith((".", "/")) and ".." not in name


def _assigned(node: ast.AST) -> set[str]:
    """Return the variables that a statement or expression assigns to."""
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    nodes = [each for target in targets if target is not None for each in ast.walk(target)]
    return {each.id for each in nodes if isinstance(each, ast.Name)}


def _lists_folder(nodes: Sequence[ast.AST]) -> bool:
    """Tell whether a folder is listed whose path comes from the place of a module."""
    listing = [n for n in nodes if isinstance(n, ast.Call) and _mentions(n.func, LISTING)]
    assignments = [n for n in nodes if isinstance(n, ast.Assign | ast.AnnAssign | ast.NamedExpr)]
    places, before = set(PLACES), 0
    while listing and len(places) != before:
        before = len(places)
        for node in assignments:
            if node.value is not None and _mentions(node.value, places):
                places |= _assigned(node)
    return any(_mentions(call, places) for call in listing)


def imports(tree: ast.Module) -> Iterator[Import]:
    """Yield what a module imports, in whatever part of it."""
    for statement in tree.body:
        is_certain = isinstance(statement, ast.Import | ast.ImportFrom)
        for node in ast.walk(statement):
            yield from _statement(node, is_certain)


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
    nodes = list(ast.walk(tree))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant))
    names = {text for text in texts if isinstance(text, str)}
    return Source(
        imports=tuple(imports(tree)),
        names=frozenset(filter(_may_lie_below, names)),
        touches_search=any(text in source for text in TOUCHES_SEARCH),
        lists_folder=_lists_folder(nodes),
    )
