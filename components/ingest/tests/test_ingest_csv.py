import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanaria.components.ingest import csv_file, csv_text
from kanaria.components.ingest.csv_text import WholeRecords
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError


def write(path: Path, content: str | bytes) -> DataFile:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return DataFile(uri=str(path), path=path)


@pytest.fixture
def rows_of(tmp_path: Path):
    def read(content: str | bytes, separator: str = ",") -> list[dict]:
        file = write(tmp_path / "a.csv", content)
        names = csv_file.names(file, separator)
        tables = csv_file.tables(WholeRecords(file, separator), names, names)
        return [row for table in tables for row in table.to_pylist()]

    return read


def test_quoted_commas_quotes_and_newlines_are_values(rows_of):
    assert rows_of('a,b\n"x, y","say ""hi""\nto all"\n') == [{"a": "x, y", "b": 'say "hi"\nto all'}]


@pytest.mark.parametrize("empty", ["", '""'])
def test_an_empty_string_is_missing_quoted_or_not(rows_of, empty: str):
    assert rows_of(f"a,b\n{empty},x\n") == [{"a": None, "b": "x"}]


@pytest.mark.parametrize("word", ["NA", "null", "nan", "None", "#N/A"])
def test_no_word_is_missing(rows_of, word: str):
    assert rows_of(f"a,b\n{word},x\n")[0]["a"] == word


@pytest.mark.parametrize("content", ["\ufeffa\r\n1\r\n", "a\n1", "\n\na\r1"])
def test_byte_order_marks_line_ends_and_blank_lines_do_not_matter(rows_of, content: str):
    assert rows_of(content) == [{"a": "1"}]


def test_a_blank_line_is_no_row_where_a_row_has_several_columns(rows_of):
    assert rows_of("a,b\n\n1,2\n\r\n\n") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_blank_line_is_a_missing_value_where_there_is_one_column(rows_of, end: str):
    values = [row["a"] for row in rows_of(end.join(["a", "1", "", "3", "", ""]))]
    assert values == ["1", None, "3", None]


@pytest.mark.parametrize("content", ["a,b\n", "a,b"])
def test_a_header_alone_is_a_table_without_rows(tmp_path: Path, content: str):
    file = write(tmp_path / "a.csv", content)
    assert csv_file.names(file, ",") == ["a", "b"]
    assert list(csv_file.tables(WholeRecords(file, ","), ["a", "b"], ["a"])) == []


def test_a_quoted_newline_may_stand_where_a_block_ends(rows_of, monkeypatch):
    monkeypatch.setattr(csv_text, "PIECE_BYTES", 64)
    assert rows_of("a,b\n" + '"x\ny",1\n' * 100) == [{"a": "x\ny", "b": "1"}] * 100


@pytest.mark.parametrize("block", range(1, 40))
def test_a_line_end_within_quotes_is_whole_wherever_a_block_ends(rows_of, monkeypatch, block: int):
    monkeypatch.setattr(csv_text, "PIECE_BYTES", block)
    assert rows_of('a,b\r\n"x\r\ny",1\r\n"\r\n",2\r\n') == [
        {"a": "x\r\ny", "b": "1"},
        {"a": "\r\n", "b": "2"},
    ]


TEXT = st.text(st.sampled_from('ab ,;\t"\r\né'), max_size=6)
ROWS = st.integers(1, 3).flatmap(
    lambda columns: st.lists(st.lists(TEXT, min_size=columns, max_size=columns), min_size=1)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=ROWS,
    separator=st.sampled_from(",;\t|"),
    # Without its own line end in it, Python leaves a value with a lone \r unquoted.
    style=st.sampled_from(
        [(csv.QUOTE_MINIMAL, "\r\n"), *((csv.QUOTE_ALL, end) for end in ("\n", "\r\n", "\r"))]
    ),
    piece=st.integers(1, 64),
)
def test_what_python_writes_is_read_back(rows_of, monkeypatch, rows, separator, style, piece):
    monkeypatch.setattr(csv_text, "PIECE_BYTES", piece)
    names = [f"c{number}" for number in range(len(rows[0]))]
    content = io.StringIO(newline="")
    quoting, end = style
    writer = csv.writer(content, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerows([names, *rows])
    table = [list(row.values()) for row in rows_of(content.getvalue(), separator)]
    assert table == [[value or None for value in row] for row in rows]


def test_a_quote_within_a_value_is_a_character(rows_of):
    values = [row["a"] for row in rows_of('a,b\n5" pipe,1\n6",2\n"7"" ""x",3\n')]
    assert values == ['5" pipe', '6"', '7" "x']


def test_blanks_behind_a_closing_quote_belong_to_the_value(rows_of):
    assert rows_of('a,b\n"x"  ,"y" \n"5"" ",6"\n')[0] == {"a": "x  ", "b": "y "}


def test_another_separator_is_taken_when_told(rows_of):
    assert rows_of('a;b\n1,5;"x;y"\n', ";") == [{"a": "1,5", "b": "x;y"}]


@pytest.mark.parametrize("content", ["kinds\nA|B\nC;D\n", '"a;b"\n1\n', "a;b\nx\n"])
def test_a_file_of_one_column_may_hold_separators(rows_of, content: str):
    assert len(rows_of(content)[0]) == 1


def test_a_value_may_span_megabytes(rows_of):
    assert len(rows_of("a\n" + "x" * (3 << 20) + "\n")[0]["a"]) == 3 << 20


FAULTS = {
    "empty file": ("", r"a\.csv: the file is empty; its first line must name the columns"),
    "blank lines only": ("\n\n", r"a\.csv: the file is empty"),
    "long row": ("a,b\n1,2\n3,4,5\n", r"a\.csv:3: 3 columns, the header has 2: '3,4,5'; quote"),
    "short row": ("a,b\n1\n", r"a\.csv:2: 1 columns, the header has 2: '1'"),
    "ragged below a quoted newline": ('a,b\n"1\n1",2\n\n3\n', r"a\.csv:5: 1 columns"),
    "quote left open": (
        'a,b\n1,2\n"3,4\n5,6\n',
        r"a\.csv:3: a quote opens before '3,4' and is never closed; close it",
    ),
    "quote left open, with others below": (
        'a,b\n1,"x\n2,y\n3,"z"\n',
        r"a\.csv:2: a quote opens before 'x' and closes on line 4 before 'z\"'; close it",
    ),
    "quote left open below a quoted newline": ('a,b\n"1\n1","2\n', r"a\.csv:3: a quote opens"),
    "quote left open in a file of carriage returns": ('a,b\r1,2\r"3,4\r', r"a\.csv:3: a quote"),
    "quote left open behind a quote in a value": ('a,b\n5" x,"2\n', r"a\.csv:2: a quote opens"),
    "quotes not doubled": ('a,b\n"say "hi"",2\n', r"a\.csv:2: .* and double quotes inside"),
    "ragged below a long text": (f"a,b\n1,{'x' * 140_000}\n2,y,z\n", r"a\.csv:3: 3 columns"),
    "semicolons": ("a;b\n1;2,5\n", r"a\.csv:1: one column, 'a;b', but ';' separates every line"),
    "quoted semicolons": ('"a";"b"\n"1";"2"\n', r"';' separates every line; give ingest_data sep"),
    "tabs": ("a\tb\n1\t2\n", r"give ingest_data separator='\\t'"),
    "bars, no row": ("a|b\n", r"give ingest_data separator='\|'"),
    "Excel's line": ("sep=;\na;b\n1;2\n", r"a\.csv:1: the first line is Excel's own; remove it"),
    "name twice": ("a,b,a\n1,2,3\n", r"a\.csv:1: column 'a' stands twice; rename one of them"),
    "no name": ("a,,b\n1,2,3\n", r"a\.csv:1: column 2 has no name; name every column"),
    "Latin-1": (b"a,b\n1,2\n3,x\xe9\n", r"a\.csv:3: byte 4 of the line, 0xe9, is not UTF-8; save"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), r"a\.csv:1: is UTF-16, no CSV text; save it"),
    "UTF-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), r"a\.csv:1: holds a zero byte"),
    "gzip": (gzip.compress(b"a,b\n1,2\n"), r"a\.csv:1: is gzip, no CSV text"),
    "cut within a character": (b"a\n\xc3", r"a\.csv:2: byte 1 of the line, 0xc3"),
}


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_names_the_file_the_line_and_the_remedy(rows_of, content, message: str):
    with pytest.raises(DataError, match=message) as raised:
        rows_of(content)
    assert "\n" not in str(raised.value)
