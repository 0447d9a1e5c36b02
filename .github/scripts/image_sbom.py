"""Makes an image's bill of materials: what uv exports of the lock, and the packages of its base.

Usage: image_sbom.py RUNTIME VERSION PYTHON.json TARGET.json [DEBIAN.txt]

PYTHON.json is uv's CycloneDX; DEBIAN.txt has a line `name version architecture` a package, as
`dpkg-query` writes it. Equal inputs give equal bytes: there is no time in it, and its number
follows from its content.
"""

import json
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
    bill = merged(runtime, version, json.loads(Path(python).read_text(encoding="utf-8")), base)
    Path(target).write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
