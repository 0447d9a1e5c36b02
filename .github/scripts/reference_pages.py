"""Writes the pages of `docs/reference` that tell what the code itself knows.

Usage: reference_pages.py [--check]   With --check nothing is written; stale files exit 1.
"""

import argparse
import ast
import inspect
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import metrics_page
from readme_tables import keys_of

from kanaria.pipelines import cli, parameters_help
from kanaria.pipelines.compiled_pipelines import NAMES
from kanaria.pipelines.mapping_parameters import MAPPINGS
from kanaria.serving.rollout.policy.gates_policy import Part
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.stream.stream_file import StreamFile
from kanaria.serving.triggers.file_values import Section
from kanaria.serving.triggers.trigger_file import TriggerFile

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/reference"
MARK = "<!-- Written by `make regenerate`. -->"


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    # argparse shows what a parser takes in its help alone.
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for below in action.choices.values():
                yield from _parsers(below)


def command_line() -> str:
    """Return the page of every command's `--help`."""
    lines = ["# The command line", "", MARK, ""]
    for parser in _parsers(cli.parser()):
        depth = "##" if parser.prog.count(" ") <= 1 else "###"
        lines += [f"{depth} `{parser.prog}`", "", "```text", parser.format_help().rstrip()]
        lines += ["```", ""]
    return "\n".join(lines)


def configuration() -> str:
    """Return the page of what the pipelines and their mappings take."""
    lines = ["# Configuration", "", MARK, ""]
    lines += ["Parameters stand in the file of `--config`, or in `--set NAME=VALUE`.", ""]
    for name in NAMES:
        text = parameters_help.of(name).rstrip()
        lines += [f"## `{name}`", "", "```text", text, "```", ""]
    for mapping in MAPPINGS:
        lines += [keys_of(mapping), ""]
    return "\n".join(lines)


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a value may be, with its range, from its JSON schema."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    if "const" in schema:
        return f"`{str(schema['const']).lower()}`"
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
    bounds |= {"exclusiveMaximum": "below"}
    limits = [f"{words} {schema[key]:g}" for key, words in bounds.items() if key in schema]
    kind = schema.get("type", "mapping")
    inner = f" of {_kind(schema['items'])}" if kind == "array" else ""
    return ", ".join([f"{kind}{inner}", *limits])


def _default(schema: Mapping[str, Any], name: str, required: list[str]) -> str:
    """Return a default; a mapping's is the one that its own keys have."""
    default = schema.get("default")
    if name in required:
        return "required"
    return "its keys'" if isinstance(default, dict) else f"`{json.dumps(default)}`"


def _classes(base: type) -> Iterator[type]:
    for below in base.__subclasses__():
        yield below
        yield from _classes(below)


def _meanings(title: str, base: type) -> dict[str, str]:
    """Return attribute -> meaning, from the docstrings of a class and of those it builds on."""
    kinds = [one for one in dict.fromkeys(_classes(base)) if one.__name__ == title]
    meanings: dict[str, str] = {}
    for one in reversed(kinds[0].__mro__ if kinds else ()):
        _, _, attributes = (inspect.getdoc(one) or "").partition("Attributes:\n")
        for entry in re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", attributes, re.MULTILINE):
            meanings[entry[0]] = " ".join(entry[1].split())
    return meanings


def _table(title: str, schema: Mapping[str, Any], base: type = Part) -> Iterator[str]:
    if "enum" in schema:
        yield from (f"## {title}", "", f"One of {_kind(schema)}.", "")
        return
    yield from (f"## {title}", "", "| key | holds | default | meaning |", "|---|---|---|---|")
    meanings = _meanings(title, base)
    for name, field in schema["properties"].items():
        default = _default(field, name, schema.get("required", []))
        meaning = meanings.get(name) or " ".join(field.get("description", "").split())
        yield f"| `{name}` | {_kind(field)} | {default} | {meaning} |"
    yield ""


def policy() -> str:
    """Return the page of a rollout's policy, from its schema."""
    schema = Policy.model_json_schema()
    lines = [
        "# The policy of a rollout",
        "",
        MARK,
        "",
        "[What it means](../how-to/rollout.md).",
        "",
    ]
    lines += _table("Policy", schema)
    for name, definition in schema["$defs"].items():
        lines += _table(name, definition)
    return "\n".join(lines)


def rooms() -> str:
    """Return the page of every package, with the first line of its docstring."""
    lines = ["# The rooms of the house", "", MARK, ""]
    lines += [
        "Every package by what it holds; the docstring of its `__init__.py` has its rule.",
        "",
    ]
    packages = [
        file
        for part in ("pipelines", "components", "serving")
        for file in sorted((ROOT / part).rglob("__init__.py"))
        if "tests" not in file.parts
    ]
    for file in packages:
        folder = file.parent.relative_to(ROOT)
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        headline, _, _ = docstring.partition("\n")
        lines.append(f"{'  ' * (len(folder.parts) - 1)}- `{folder.name}/`: {headline}")
    return "\n".join(lines)


def triggers() -> str:
    """Return the page of the file of triggers, from its schema."""
    schema = TriggerFile.model_json_schema()
    lines = ["# The file of triggers", "", MARK, ""]
    lines += ["[What it means](../how-to/triggers.md).", ""]
    lines += _table("TriggerFile", schema, Section)
    for name, definition in schema["$defs"].items():
        lines += _table(name, definition, Section)
    return "\n".join(lines)


def stream() -> str:
    """Return the page of a stream's file, from its schema."""
    schema = StreamFile.model_json_schema()
    lines = ["# The file of a stream", "", MARK, "", "[What it means](../how-to/stream.md).", ""]
    lines += _table("The file", schema)
    for name, definition in schema["$defs"].items():
        lines += _table(name, definition)
    return "\n".join(lines)


def main() -> int:
    """Write or check every page; return the exit code."""
    os.environ["COLUMNS"] = "100"
    pages = {
        "command-line.md": command_line(),
        "configuration.md": configuration(),
        "policy.md": policy(),
        "rooms.md": rooms(),
        "metrics.md": metrics_page.page(MARK),
        "triggers.md": triggers(),
        "stream.md": stream(),
    }
    stale = [name for name, text in pages.items() if _read(PAGES / name) != text.rstrip() + "\n"]
    for name in stale:
        if "--check" not in sys.argv:
            (PAGES / name).write_text(pages[name].rstrip() + "\n", encoding="utf-8")
    sys.stdout.write("".join(f"docs/reference/{name}\n" for name in stale))
    return int(bool(stale) and "--check" in sys.argv)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
