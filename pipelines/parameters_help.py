"""The help of a command that takes a pipeline: with its name, also what its parameters mean."""

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanaria.components.shared.config.keys import Table

MOST_COLUMNS = 100
INDENT = " " * 6
REQUIRED = "required"
FROM_ROOT = {"model_root": "default the folder models below the root"}
"""What a command fills in for parameters without a default."""


class Help(argparse.Action):
    """`--help`; with a pipeline's name, before it or behind it, also the pipeline's parameters."""

    def __init__(self, option_strings: list[str], dest: str, **_: Any) -> None:
        """Take what argparse gives."""
        text = "show this, and with a pipeline's name its parameters"
        super().__init__(option_strings, dest, nargs="?", metavar="PIPELINE", help=text)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        _option_string: str | None = None,
    ) -> None:
        """Print the help and exit."""
        pipeline = values or getattr(namespace, "pipeline", None)
        parser.print_help()
        sys.stdout.write(f"\n{of(pipeline)}" if pipeline else "")
        parser.exit()


def of(pipeline: str) -> str:
    """Return the parameters of a pipeline with their types, defaults and meanings.

    Args:
        pipeline: name of a pipeline of this package, or path of a compiled .yaml file.

    Raises:
        ParameterError: there is no such pipeline.
    """
    # The command line loads no YAML to be listed.
    from kanaria.pipelines import mapping_parameters
    from kanaria.pipelines.compiled_pipelines import documents
    from kanaria.pipelines.local.plan import interface

    width = min(shutil.get_terminal_size().columns, MOST_COLUMNS)
    plan = interface(next(iter(documents(pipeline)), None))
    lines = [f"parameters of {pipeline}, in the file of --config or by --set NAME=VALUE:"]
    # Those that must be given come first.
    ordered = sorted(plan.parameters.items(), key=lambda one: _default(*one) != REQUIRED)
    tables = mapping_parameters.of(plan)
    for name, definition in ordered:
        lines += _entry(name, definition, width)
        if name in tables:
            lines += _keys(name, tables[name].table, width)
    return "\n".join(lines) + "\n"


def _default(name: str, definition: Mapping[str, Any]) -> str:
    if not definition.get("isOptional"):
        return FROM_ROOT.get(name, REQUIRED)
    value = definition.get("defaultValue")
    if value is None or value == "":
        return "optional"
    # The compiled form knows one kind of number: 3 is written there as 3.0.
    is_whole = definition.get("parameterType") == "NUMBER_INTEGER"
    return f"default {json.dumps(int(value) if is_whole else value)}"


def _entry(name: str, definition: Mapping[str, Any], width: int) -> Iterator[str]:
    from kanaria.pipelines.local.parameter_types import name_of

    yield f"  {name}: {name_of(definition)}, {_default(name, definition)}"
    yield from _wrapped(str(definition.get("description", "")), INDENT, width)


def _keys(name: str, table: "Table", width: int) -> Iterator[str]:
    """Yield the keys of a mapping below it."""
    from kanaria.components.shared.config.keys import default_text
    from kanaria.pipelines.mapping_parameters import all_keys

    for path, key in all_keys(table, name):
        yield from _wrapped(f"{path}: {key.kind}, {default_text(key)}", INDENT, width)
        yield from _wrapped(key.meaning, INDENT + "    ", width)


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
