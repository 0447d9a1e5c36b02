"""Cuts symbol tables and debug sections off shared libraries, as binutils' `strip` does.

Bases of images bring no binutils. No byte that is loaded is moved, which `strip` does to libraries
that auditwheel has edited, so that some no longer load: the file ends where the loaded part ends,
and a new table of sections follows. The layout is that of the System V ABI, chapter 4 (ELF).
"""

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

MAGIC = b"\x7fELF\x02\x01"
"""A file of 64 bits, little-endian."""
HEADER = 64
SECTIONS_AT = 0x28  # e_shoff
SECTIONS = struct.Struct("<HHH")  # e_shentsize, e_shnum, e_shstrndx
SECTIONS_COUNTED_AT = 0x3A
SEGMENTS_AT = 0x20  # e_phoff
SEGMENTS = struct.Struct("<HH")  # e_phentsize, e_phnum
SEGMENTS_COUNTED_AT = 0x36
ENTRY = struct.Struct("<IIQQQQIIQQ")
NO_BITS = 8
LOADED = 2  # SHF_ALLOC
ALIGNMENT = 8


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the table of sections, its fields in the order of the file."""

    name: int = 0
    kind: int = 0
    flags: int = 0
    address: int = 0
    offset: int = 0
    size: int = 0
    link: int = 0
    info: int = 0
    alignment: int = 0
    entry_size: int = 0

    @property
    def end(self) -> int:
        """Where its bytes end in the file."""
        return self.offset if self.kind == NO_BITS else self.offset + self.size

    def packed(self) -> bytes:
        """Return the entry as the file has it."""
        return ENTRY.pack(*(getattr(self, name) for name in self.__slots__))


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where the parts of a library lie.

    Attributes:
        sections: the table of sections.
        names: index of the section that holds the names of sections.
        loaded_end: where the part that is loaded ends.
        end: where the last part ends that the file's tables know.
    """

    sections: list[Section]
    names: int
    loaded_end: int
    end: int


def _layout(file: BinaryIO) -> Layout | None:
    """Return the layout, None of what is no such library or has no sections."""
    header = file.read(HEADER)
    if len(header) < HEADER or not header.startswith(MAGIC):
        return None
    (table,) = struct.unpack_from("<Q", header, SECTIONS_AT)
    size, count, names = SECTIONS.unpack_from(header, SECTIONS_COUNTED_AT)
    if not count or size != ENTRY.size:
        return None
    file.seek(table)
    sections = [Section(*fields) for fields in ENTRY.iter_unpack(file.read(size * count))]
    (first,) = struct.unpack_from("<Q", header, SEGMENTS_AT)
    width, number = SEGMENTS.unpack_from(header, SEGMENTS_COUNTED_AT)
    ends = [first + width * number]
    for index in range(number):
        file.seek(first + width * index + 8)
        offset, _, _, length = struct.unpack("<QQQQ", file.read(32))
        ends.append(offset + length)
    ends += [section.end for section in sections if section.flags & LOADED]
    ends_of_parts = [*ends, *(section.end for section in sections), table + size * count]
    return Layout(sections=sections, names=names, loaded_end=max(ends), end=max(ends_of_parts))


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def strip(path: Path) -> int:
    """Cut what is not loaded off the library at `path`; return by how many bytes it is smaller.

    A file that is no library of 64 bits, or holds more than its tables know of, stays as it is.
    """
    size = path.stat().st_size
    with path.open("r+b") as file:
        layout = _layout(file)
        if layout is None or size > _padded(layout.end):
            return 0
        names = layout.sections[layout.names]
        file.seek(names.offset)
        text = file.read(names.size)
        # Sections are named by their place in the table, so those that go leave an empty entry.
        sections = [s if s.flags & LOADED else Section() for s in layout.sections]
        while sections and sections[-1] == Section():
            sections.pop()
        sections = sections or [Section()]
        place = _padded(layout.loaded_end)
        table = _padded(place + len(text))
        sections.append(replace(names, offset=place))
        after = table + len(sections) * ENTRY.size
        if after >= size:
            return 0
        file.truncate(layout.loaded_end)
        file.seek(place)
        file.write(text)
        file.seek(table)
        file.write(b"".join(section.packed() for section in sections))
        file.seek(SECTIONS_AT)
        file.write(struct.pack("<Q", table))
        file.seek(SECTIONS_COUNTED_AT)
        file.write(SECTIONS.pack(ENTRY.size, len(sections), len(sections) - 1))
    return size - after
