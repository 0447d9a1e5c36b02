"""Which TFX names a module asks for in vain, by its source: at once, and before it is called.

A name that only the end of `run_fn` asks for would else fail after the training.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kanaria.components.shared.tfx_names import supported_names

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


def _unused(node: ast.AST, bodies: bool, annotations: bool) -> list[ast.AST | None]:
    """Return the children of `node` that are not evaluated, or whose failure is caught."""
    match node:
        case ast.Try(body=body, handlers=[_, *_]):
            return list(body)
        case ast.If(test=test, body=body) if "TYPE_CHECKING" in ast.dump(test):
            return list(body)
        case ast.Lambda(body=inner):
            return [] if bodies else [inner]
        case (
            ast.FunctionDef(body=body, returns=returns)
            | ast.AsyncFunctionDef(body=body, returns=returns)
        ):
            return [*([] if bodies else body), *([] if annotations else [returns])]
        case ast.arg(annotation=note) | ast.AnnAssign(annotation=note):
            return [] if annotations else [note]
    return []


def _evaluated(node: ast.AST, *, bodies: bool, annotations: bool) -> Iterator[ast.AST]:
    """Yield `node` and what is evaluated with it, or with a call of it where `bodies` is set."""
    yield node
    unused = _unused(node, bodies, annotations)
    for child in ast.iter_child_nodes(node):
        if child not in unused:
            yield from _evaluated(child, bodies=bodies, annotations=annotations)


def _imports(nodes: Iterable[ast.AST]) -> Iterator[_Import]:
    """Yield the imports of TFX names among `nodes`."""
    imports = []
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                bound = alias.name if alias.asname else top
                imports.append((node.lineno, alias.name, alias.asname or top, bound))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                name = f"{node.module}" if alias.name == "*" else f"{node.module}.{alias.name}"
                imports.append((node.lineno, name, alias.asname or alias.name, name))
    for line, name, variable, bound in imports:
        if name.partition(".")[0] == supported_names.TOP:
            yield _Import(line=line, name=name, variable=variable, bound=bound)


def _reached(tree: ast.Module, function: str) -> Iterator[ast.AST]:
    """Yield the function's definition and those of the module that it names, and so on."""
    definitions = {node.name: node for node in tree.body if isinstance(node, _DEFINITIONS)}
    waiting, reached = [function], set()
    while waiting:
        name = waiting.pop()
        if name not in reached and name in definitions:
            reached.add(name)
            yield definitions[name]
            nodes = ast.walk(definitions[name])
            waiting += [node.id for node in nodes if isinstance(node, ast.Name)]


def _attributes(nodes: Sequence[ast.AST], bound: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name of TFX) of every `a.b.c` whose `a` is bound to such a name."""
    names = [node for node in nodes if isinstance(node, ast.Name)]
    own = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    for node in nodes:
        parts: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if parts and isinstance(inner, ast.Name) and inner.id in bound.keys() - own:
            yield inner.lineno, ".".join([bound[inner.id], *reversed(parts)])


def _faults(tree: ast.Module, parts: Iterable[Sequence[ast.AST]]) -> list[Fault]:
    bound = {each.variable: each.bound for each in _imports(ast.walk(tree))}
    line_of: dict[str, int] = {}
    for nodes in parts:
        imported = [(each.line, each.name) for each in _imports(nodes)]
        for line, name in [*imported, *_attributes(nodes, bound)]:
            fault = supported_names.fault(name)
            if fault:
                line_of.setdefault(fault, line)
    return [(line, fault) for fault, line in line_of.items()]


def import_faults(source: bytes) -> list[Fault]:
    """Return a fault for each TFX name that importing the module would miss."""
    tree = ast.parse(source)
    later = any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body
    )
    return _faults(tree, [list(_evaluated(tree, bodies=False, annotations=not later))])


def function_faults(source: bytes, function: str) -> list[Fault]:
    """Return a fault for each TFX name that calling the module's function would miss.

    Functions and classes of the same file that it names are followed.
    """
    tree = ast.parse(source)
    reached = _reached(tree, function)
    parts = [list(_evaluated(root, bodies=True, annotations=False)) for root in reached]
    return _faults(tree, parts)
