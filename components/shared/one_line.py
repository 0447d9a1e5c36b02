"""What others wrote, as one line that a terminal shows as text. Pure."""

import re

LONGEST = 1_000
"""Characters: whole messages of TensorFlow, but no flood."""
# Colours, movements of the cursor and titles, as ECMA-48 writes them.
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def one_line(text: object, longest: int = LONGEST) -> str:
    """Return a text on one line without control characters, cut to `longest` characters."""
    plain = ESCAPES.sub("", str(text))
    words = "".join(letter if letter.isprintable() else " " for letter in plain).split()
    line = " ".join(words)
    return line if len(line) <= longest else f"{line[:longest]}… ({len(line)} characters)"
