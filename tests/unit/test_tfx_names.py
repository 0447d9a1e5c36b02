"""What train's README tells users of TFX is what there is."""

import re
from pathlib import Path

from kanaria.components.shared.tfx_names import supported_names

ROOT = Path(__file__).parents[2]


def test_the_readme_has_every_name_of_tfx_and_no_other():
    section = (ROOT / "components/train/README.md").read_text().partition("## For TFX users")[2]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `tfx.")]
    listed: dict[str, set[str]] = {}
    for modules, _, names in (row.partition(":") for row in rows):
        for module in re.findall(r"`([\w.]+)`", modules):
            if not module.endswith("..."):
                listed[module] = set(re.findall(r"`(\w+)`", names))
    assert listed == {module: set(names) for module, names in supported_names.NAMES.items()}
