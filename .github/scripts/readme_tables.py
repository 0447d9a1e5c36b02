"""Writes the tables of inputs and outputs into the components' README files.

Usage: readme_tables.py [--check]   With --check nothing is written; stale files exit 1.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from kanaria import components
from kanaria.components.shared.config.keys import default_text
from kanaria.pipelines.mapping_parameters import MAPPINGS, all_keys
from kanaria.serving.drift.detector_document import AlibiSettings
from kanaria.serving.drift.detector_registry import ALIBI, KINDS

ROOT = Path(__file__).parents[2]
START = "<!-- generated: inputs and outputs -->"
END = "<!-- end generated -->"
OF_STEP = {
    "push": ("service", "delivery", "tracking"),
    "resolve": ("reading",),
    "transform": ("compute",),
}
"""Folder of a step -> the mappings whose keys its README shows."""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _type(spec: object) -> str:
    name = str(getattr(spec, "type", ""))
    return name.removeprefix("system.").split("@")[0]


def table(name: str) -> str:
    """Return the Markdown tables of one component."""
    spec = getattr(components, name).component_spec
    lines = [f"## `{name}`", "", "| input | type | default | meaning |", "|---|---|---|---|"]
    for key, value in (spec.inputs or {}).items():
        default = f"`{value.default!r}`" if value.optional else "required"
        meaning = _cell(value.description or "")
        lines.append(f"| `{key}` | {_type(value)} | {default} | {meaning} |")
    lines += ["", "| output | type | meaning |", "|---|---|---|"]
    for key, value in (spec.outputs or {}).items():
        lines.append(f"| `{key}` | {_type(value)} | {_cell(value.description or '')} |")
    return "\n".join(lines)


def keys_of(mapping: str) -> str:
    """Return the Markdown table of a mapping's keys."""
    lines = [f"## Keys of `{mapping}`", "", "| key | holds | default | meaning |"]
    lines.append("|---|---|---|---|")
    for path, key in all_keys(MAPPINGS[mapping].table, mapping):
        default = default_text(key).removeprefix("default ")
        shown = default if default in ("required", "optional") else f"`{default}`"
        name, meaning = path.removeprefix(f"{mapping}."), _cell(key.meaning)
        lines.append(f"| `{name}` | {key.kind} | {shown} | {meaning} |")
    return "\n".join(lines)


def detectors() -> str:
    """Return the Markdown table of every kind of drift detector."""
    lines = ["### Kinds of `detector`", "", "| kind | asks | of | parameters |"]
    lines.append("|---|---|---|---|")
    for kind in KINDS.values():
        name = f"`{kind.name}`" + (f", `{kind.short}`" if kind.short else "")
        needs = f"; computed with {kind.needs}, by a watch alone" if kind.needs else ""
        held = ", ".join(f"`{one.name}` {_default(one.default)}" for one in fields(kind.settings))
        fixed = f"; when fitted: `{'`, `'.join(kind.fixed)}`" if kind.fixed else ""
        lines.append(f"| {name} | {kind.asks}{needs} | {kind.of} | {held}{fixed} |")
    held = ", ".join(f"`{one.name}` {_default(one.default)}" for one in fields(AlibiSettings))
    asks = "an artefact of Alibi Detect; read without it where a kind above is its detector"
    lines.append(f"| `{ALIBI}` | {asks} | its columns, by position | `folder`, {held} |")
    return "\n".join(lines)


def _default(value: object) -> str:
    return json.dumps(value)


def rewritten(text: str, names: list[str], mappings: Sequence[str] = ()) -> str:
    """Return the README with the part between the two marks made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    kinds = [detectors()] if "detect_drift" in names else []
    tables = "\n\n".join([*map(table, names), *map(keys_of, mappings), *kinds])
    return f"{before}{START}\n{tables}\n{END}{after}"


def main() -> int:
    """Write or check every README; return the exit code."""
    stale = []
    for folder in sorted(set(components.FOLDERS.values())):
        names = [name for name, place in components.FOLDERS.items() if place == folder]
        path = ROOT / "components" / folder / "README.md"
        old = path.read_text(encoding="utf-8")
        new = rewritten(old, names, OF_STEP.get(folder, ()))
        if new != old:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(new, encoding="utf-8")
    sys.stdout.write("".join(f"{path}\n" for path in stale))
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
