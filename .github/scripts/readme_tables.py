"""Writes the tables of inputs and outputs into the components' README files.

Usage: readme_tables.py [--check]   With --check nothing is written; stale files exit 1.
"""

import sys
from pathlib import Path

from kanaria import components

ROOT = Path(__file__).parents[2]
START = "<!-- generated: inputs and outputs -->"
END = "<!-- end generated -->"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _type(spec: object) -> str:
    name = str(getattr(spec, "type", ""))
    return name.removeprefix("system.").split("@")[0]


def table(name: str) -> str:
    """Return the Markdown tables of one component."""
    spec = getattr(components, name).component_spec
    lines = [f"### `{name}`", "", "| input | type | default | meaning |", "|---|---|---|---|"]
    for key, value in (spec.inputs or {}).items():
        default = f"`{value.default!r}`" if value.optional else "required"
        meaning = _cell(value.description or "")
        lines.append(f"| `{key}` | {_type(value)} | {default} | {meaning} |")
    lines += ["", "| output | type | meaning |", "|---|---|---|"]
    for key, value in (spec.outputs or {}).items():
        lines.append(f"| `{key}` | {_type(value)} | {_cell(value.description or '')} |")
    return "\n".join(lines)


def rewritten(text: str, names: list[str]) -> str:
    """Return the README with the part between the two marks made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    tables = "\n\n".join(table(name) for name in names)
    return f"{before}{START}\n{tables}\n{END}{after}"


def main() -> int:
    """Write or check every README; return the exit code."""
    stale = []
    for folder in sorted(set(components.FOLDERS.values())):
        names = [name for name, place in components.FOLDERS.items() if place == folder]
        path = ROOT / "components" / folder / "README.md"
        old = path.read_text(encoding="utf-8")
        new = rewritten(old, names)
        if new != old:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(new, encoding="utf-8")
    sys.stdout.write("".join(f"{path}\n" for path in stale))
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
