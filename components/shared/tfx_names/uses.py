"""Which TFX names a module asks for in vain, by its source: at once, and before it is called.

A name that only the end of `run_fn` asks for would else fail after the training.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kanaria.components.shared.tfx_names import table

Fault = tuple[int, str]
"""Line of the source, from 1, and what is said about the name."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Import:
    """An import of a TFX name: its line, the name itself, and what variable gets which name."""

    line: int
    name: str
    variable: str
    bound: str


def _imports(root: ast.AST) -> Iterator[_Import]:
    """Yield the imports of TFX names below `root`."""
    found = []
    for node in ast.walk(root):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                bound = alias.name if alias.asname else top
                found.append((node.lineno, alias.name, alias.asname or top, bound))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                name = f"{node.module}" if alias.name == "*" else f"{node.module}.{alias.name}"
                found.append((node.lineno, name, alias.asname or alias.name, name))
    for line, name, variable, bound in found:
        if name.partition(".")[0] == "tfx":
            yield _Import(line=line, name=name, variable=variable, bound=bound)


def _reached(tree: ast.Module, function: str) -> Iterator[ast.AST]:
    """Yield the function's definition and those of the module that it names, and so on."""
    definitions = {node.name: node for node in tree.body if isinstance(node, _DEFINITIONS)}
    waiting, seen = [function], set()
    while waiting:
        name = waiting.pop()
        if name not in seen and name in definitions:
            seen.add(name)
            yield definitions[name]
            nodes = ast.walk(definitions[name])
            waiting += [node.id for node in nodes if isinstance(node, ast.Name)]


def _attributes(root: ast.AST, bound: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name of TFX) of every `a.b.c` whose `a` is bound to such a name."""
    for node in ast.walk(root):
        parts: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if parts and isinstance(inner, ast.Name) and inner.id in bound:
            yield inner.lineno, ".".join([bound[inner.id], *reversed(parts)])


def _faults(names: Iterable[tuple[int, str]]) -> list[Fault]:
    told: dict[str, int] = {}
    for line, name in names:
        fault = table.fault(name)
        if fault:
            told.setdefault(fault, line)
    return [(line, fault) for fault, line in told.items()]


def import_faults(source: bytes) -> list[Fault]:
    """Return a fault for each TFX name that the module imports in vain."""
    return _faults((each.line, each.name) for each in _imports(ast.parse(source)))


def function_faults(source: bytes, function: str) -> list[Fault]:
    """Return a fault for each TFX name that calling the module's function would miss.

    Functions and classes of the same file that it names are followed.
    """
    tree = ast.parse(source)
    bound = {each.variable: each.bound for each in _imports(tree)}
    reached = list(_reached(tree, function))
    names = [(each.line, each.name) for root in reached for each in _imports(root)]
    for root in reached:
        names += _attributes(root, bound)
    return _faults(names)
