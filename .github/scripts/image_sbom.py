"""Makes an image's bill of materials: what uv exports of the lock, and the packages of its base.

Usage: image_sbom.py RUNTIME VERSION PYTHON.json|PYTHON.txt TARGET.json [DEBIAN.txt]

PYTHON.json is uv's CycloneDX, PYTHON.txt a list of pins; DEBIAN.txt has a line `name version
architecture` a package, as `dpkg-query` writes it. Equal inputs give equal bytes: there is no time
in it, and its number follows from its content.
"""

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "kanaria")


def debian(line: str) -> dict[str, Any]:
    """Return a package of Debian as a component; its package URL names it."""
    name, version, architecture = line.split()
    place = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?arch={quote(architecture)}"
    return {
        "type": "library",
        "bom-ref": place,
        "name": name,
        "version": version,
        "purl": place,
    }


def of_list(packages: str) -> dict[str, Any]:
    """Return the bill of a list of pinned packages, in the form of uv's."""
    pins = re.findall(r"^([\w.-]+)(?:[[].*?[]])?==([^\s;\\]+)", packages, re.MULTILINE)
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
        }
        for name, version in pins
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "metadata": {"tools": [], "component": {"bom-ref": "kanaria"}},
        "components": components,
        "dependencies": [],
    }


def read(path: Path) -> dict[str, Any]:
    """Return the bill that uv wrote, or that of a list of packages (.txt)."""
    text = path.read_text(encoding="utf-8")
    return of_list(text) if path.suffix == ".txt" else json.loads(text)


def merged(runtime: str, version: str, python: dict[str, Any], base: str) -> dict[str, Any]:
    """Return the bill of an image.

    Args:
        runtime: that it holds, for instance control.
        version: of Kanaria.
        python: uv's bill of the runtime's packages.
        base: lines of the packages of Debian, "" for none.
    """
    own = python["metadata"]["component"]
    image = {"type": "container", "bom-ref": own["bom-ref"], "name": f"kanaria-{runtime}"}
    bill = {
        "bomFormat": python["bomFormat"],
        "specVersion": python["specVersion"],
        "version": 1,
        "metadata": {
            "tools": python["metadata"]["tools"],
            "component": {**image, "version": version},
        },
        "components": [*python["components"], *map(debian, base.splitlines())],
        "dependencies": python["dependencies"],
    }
    number = uuid.uuid5(NAMESPACE, json.dumps(bill, sort_keys=True))
    return {**bill, "serialNumber": f"urn:uuid:{number}"}


def main() -> None:
    """Read the parts and write the whole."""
    runtime, version, python, target, *rest = sys.argv[1:]
    base = Path(rest[0]).read_text(encoding="utf-8") if rest else ""
    bill = merged(runtime, version, read(Path(python)), base)
    Path(target).write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
