"""Evaluates the conditions that kfp compiles: comparisons of parameters, and, or, not. Pure.

The compiled text is CEL. It is translated token by token to Python's syntax and evaluated over
a short list of allowed nodes; nothing else is ever executed.
"""

import ast
import operator
import re
from collections.abc import Mapping
from typing import Any

TOKEN = re.compile(
    r"""(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|(?P<op>&&|\|\||!(?!=))|(?P<word>true|false|null)\b"""
)
WORDS = {
    "&&": " and ",
    "||": " or ",
    "!": " not ",
    "true": "True",
    "false": "False",
    "null": "None",
}
COMPARISONS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
CASTS = {"int": int, "double": float, "string": str}


def _tree(expression: str) -> ast.expr:
    python = TOKEN.sub(lambda m: m[0] if m["text"] else WORDS[m[0]], expression)
    return ast.parse(python.strip(), mode="eval").body


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Subscript(
            value=ast.Attribute(value=ast.Name(id="inputs"), attr="parameter_values"),
            slice=ast.Constant(value=str(name)),
        ):
            return values[name]
        case ast.BoolOp(op=op, values=parts):
            truths = [_value(part, values) for part in parts]  # Each is looked at, for `faults`.
            return all(truths) if isinstance(op, ast.And) else any(truths)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, values)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            return COMPARISONS[type(op)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in CASTS:
            return CASTS[name](_value(argument, values))
    raise ValueError(ast.unparse(node))


class _Anything(dict[str, Any]):
    """Stands for every value while a condition is only checked for what it uses."""

    def __missing__(self, key: str) -> int:
        return 0


def faults(expression: str) -> list[str]:
    """Return why the condition cannot be evaluated here, as texts; empty when it can."""
    try:
        _value(_tree(expression), _Anything())
    except (SyntaxError, ValueError) as error:
        return [f"condition {expression!r} ({error})"]
    except TypeError:
        return []  # Values of other types than the stand-in's compare when they are known.
    return []


def holds(expression: str, values: Mapping[str, Any]) -> bool:
    """Evaluate a compiled condition.

    Args:
        expression: as in `triggerPolicy.condition`.
        values: parameter name -> value.

    Raises:
        KeyError: it names a parameter that is not in `values`.
        ValueError: it uses something else than comparisons, and, or, not.
    """
    return bool(_value(_tree(expression), values))
