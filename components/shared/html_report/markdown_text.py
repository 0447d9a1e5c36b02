"""Texts and tables in Markdown: what is escaped is read as it was written. Pure.

Escaped text makes no links, tables, headings, lists or HTML of its own, in CommonMark and in
GitHub's dialect, which makes links of bare addresses too.
"""

import re
from collections.abc import Iterator, Sequence

SPECIAL = re.compile(
    r"""[\\`*_{}\[\]<>|~&=$]   # what CommonMark, GitHub and mathematics read anywhere
    | ^[#+-]                  # headings and lists
    | (?<=\bhttp:)/ | (?<=\bhttps:)/ | (?<=\bftp:)/
    | (?<=\bwww)\.            # Addresses, which GitHub makes links of without brackets.
    | @""",  # Addresses of mail, which become links, and names, which are told.
    re.VERBOSE | re.IGNORECASE,
)
NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
LONGEST = 2_000
"""Characters of one text; KFP's UI shows 400,000 in all."""
STAND_IN = "\N{REPLACEMENT CHARACTER}"
"""For what no printer shows: controls, and marks that turn the direction of writing."""


def text(value: object, longest: int = LONGEST) -> str:
    """Return a value on one line, cut, so that Markdown shows it as it is."""
    line = " ".join(str(value).split())
    cut = line if len(line) <= longest else f"{line[:longest]}… ({len(line)} characters)"
    shown = "".join(letter if letter.isprintable() else STAND_IN for letter in cut)
    return NUMBERED.sub(r"\1\\\2", SPECIAL.sub(r"\\\g<0>", shown))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table and an empty one; the cells are Markdown on one line already."""
    yield f"| {' | '.join(headers)} |"
    yield f"|{' --- |' * len(headers)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
