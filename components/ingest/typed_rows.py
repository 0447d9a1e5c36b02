"""The rows of several files with one type a column, converted some at a time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from kanaria.components.ingest import declared_column_types, file_survey, unified_column_types
from kanaria.components.ingest.declared_column_types import Zones
from kanaria.components.ingest.file_survey import Surveyed
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.ingest.unified_column_types import Conversion
from kanaria.components.shared.errors import DataError, shown

NONE_DECLARED: Mapping[str, str] = {}
TEXT, TIMESTAMP = "string", "timestamp"
Conversions = Mapping[str, Conversion]
"""Name of a column -> what it becomes, in one file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """What a reader needs of the columns of CSV files, whose types are found by reading them all.

    Attributes:
        types: column name -> type (`declared_column_types.NAMES`) that the reader takes, whatever
            would be found; a value of another type is an error where it stands.
        others: further columns, whose types are found; None for all that there are. The rest stay
            text.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    others: Collection[str] | None = None

    def of_survey(self, names: Sequence[str], declared: Collection[str]) -> list[str]:
        """Return the columns whose types are to be found."""
        settled = {*declared, *self.types}
        others = names if self.others is None else self.others
        return [name for name in names if name in others and name not in settled]


ALL = Needed()


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedRows:
    """Rows of several files, in order, which are read and converted whenever they are asked for.

    Attributes:
        schema: of the rows; the first file's order of columns.
        files: each file, and what its columns become.
        times: names of the columns that are declared timestamps.
    """

    schema: pa.Schema
    files: tuple[tuple[InputFile, Conversions], ...]
    times: frozenset[str]

    def tables(self, names: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Yield the number of a file, and some of its rows.

        Args:
            names: columns, at least one.

        Raises:
            DataError: a value does not fit its type, or only some timestamps have a zone.
        """
        zones = {name: Zones(name) for name in names if name in self.times}
        for number, (file, conversions) in enumerate(self.files):
            wanted = [conversions[name] for name in names]
            for table in _converted(file, wanted):
                for name, zones_of_column in zones.items():
                    zones_of_column.add(table[name], file.uri)
                yield number, table
        for zones_of_column in zones.values():
            zones_of_column.check()

    def table(self) -> pa.Table:
        """Return all rows, of which there must be few."""
        tables = [table for _, table in self.tables(self.schema.names)]
        return pa.concat_tables(tables) if tables else self.schema.empty_table()


def _converted(file: InputFile, conversions: Sequence[Conversion]) -> Iterator[pa.Table]:
    start = 0
    for table in file.read([one.name for one in conversions]):

        def place(row: int, first: int = start) -> str:
            return file.place(first + row)

        yield pa.table({one.name: one.of(table[one.name], place) for one in conversions})
        start += table.num_rows


def _check_columns(files: Sequence[InputFile]) -> None:
    """Raise DataError unless every file has the same column names, in any order."""
    first = files[0]
    wanted = set(first.schema.names)
    for file in files[1:]:
        names = set(file.schema.names)
        if names != wanted:
            raise DataError(
                f"{file.uri}: differs from {first.uri}: lacks {shown(sorted(wanted - names))}, "
                f"adds {shown(sorted(names - wanted))}; give every file the same columns"
            )


def _conversions(
    files: Sequence[Surveyed], name: str, declared: Mapping[str, str], needed: Needed
) -> list[Conversion]:
    """Return what one column becomes in each file."""
    if name in declared:
        return [declared_column_types.conversion(files, name, declared[name])] * len(files)
    if all(one.file.is_csv for one in files) and not needed.of_survey([name], declared):
        return [declared_column_types.taken(name, needed.types.get(name, TEXT))] * len(files)
    kind = unified_column_types.unified(name, files)
    return [unified_column_types.conversion(one.file, name, kind) for one in files]


def joined(
    files: Sequence[InputFile],
    declared: Mapping[str, str] = NONE_DECLARED,
    needed: Needed = ALL,
) -> TypedRows:
    """Return the rows of all files; every file is read for the types of its columns.

    Args:
        files: CSV files, or others whose columns have types.
        declared: column name -> type (`declared_column_types.NAMES`); it precedes what is found.
        needed: what is needed of the columns of CSV files.

    Raises:
        DataError: there is no row, or columns differ in name or type between files.
    """
    _check_columns(files)
    names = files[0].schema.names
    to_find = needed.of_survey(names, declared)
    surveyed = [file_survey.survey(file, to_find) for file in files]
    if not any(one.has_rows for one in surveyed):
        paths = ", ".join(file.uri for file in files)
        raise DataError(f"{paths}: no rows, only column names; give data")
    columns = {name: _conversions(surveyed, name, declared, needed) for name in names}
    return of_columns(files, columns, declared)


def of_columns(
    files: Sequence[InputFile],
    columns: Mapping[str, Sequence[Conversion]],
    declared: Mapping[str, str],
) -> TypedRows:
    """Return the rows of files of which it is known what each column becomes in each file."""
    of_files = [{name: of[n] for name, of in columns.items()} for n in range(len(files))]
    return TypedRows(
        schema=pa.schema([(name, conversion.target) for name, conversion in of_files[0].items()]),
        files=tuple(zip(files, of_files, strict=True)),
        times=frozenset(name for name, kind in declared.items() if kind == TIMESTAMP),
    )
