from pathlib import Path

import pytest

from kanaria.components.ingest import csv_file
from kanaria.components.shared.data_reference import DataFile
from kanaria.components.shared.errors import DataError


def write(path: Path, content: str | bytes) -> DataFile:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return DataFile(uri=str(path), path=path)


@pytest.fixture
def rows_of(tmp_path: Path):
    def read(content: str | bytes) -> list[dict]:
        return csv_file.read(write(tmp_path / "a.csv", content)).to_pylist()

    return read


def test_quoted_commas_quotes_and_newlines_are_values(rows_of):
    assert rows_of('a,b\n"x, y","say ""hi""\nto all"\n') == [{"a": "x, y", "b": 'say "hi"\nto all'}]


@pytest.mark.parametrize("empty", ["", '""'])
def test_an_empty_string_is_missing_quoted_or_not(rows_of, empty: str):
    assert rows_of(f"a,b\n{empty},x\n") == [{"a": None, "b": "x"}]


@pytest.mark.parametrize("word", ["NA", "null", "nan", "None", "#N/A"])
def test_no_word_is_missing(rows_of, word: str):
    assert rows_of(f"a,b\n{word},x\n")[0]["a"] == word


@pytest.mark.parametrize("content", ["\ufeffa\r\n1\r\n", "a\n1", "\na\n\n1\n\n"])
def test_byte_order_marks_line_ends_and_blank_lines_do_not_matter(rows_of, content: str):
    assert rows_of(content) == [{"a": "1"}]


@pytest.mark.parametrize("content", ["a,b\n", "a,b"])
def test_a_header_alone_is_a_table_without_rows(tmp_path: Path, content: str):
    table = csv_file.read(write(tmp_path / "a.csv", content))
    assert (table.column_names, table.num_rows) == (["a", "b"], 0)


def test_a_quoted_newline_may_stand_where_a_block_ends(rows_of, monkeypatch):
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 64)
    assert rows_of("a,b\n" + '"x\ny",1\n' * 100) == [{"a": "x\ny", "b": "1"}] * 100


def test_a_value_may_span_megabytes(rows_of):
    assert len(rows_of("a\n" + "x" * (3 << 20) + "\n")[0]["a"]) == 3 << 20


FAULTS = {
    "empty file": ("", r"a\.csv: the file is empty; its first line must name the columns"),
    "blank lines only": ("\n\n", r"a\.csv: the file is empty"),
    "long row": ("a,b\n1,2\n3,4,5\n", r"a\.csv:3: 3 columns, the header has 2: '3,4,5'; quote"),
    "short row": ("a,b\n1\n", r"a\.csv:2: 1 columns, the header has 2: '1'"),
    "ragged below a quoted newline": ('a,b\n"1\n1",2\n\n3\n', r"a\.csv:5: 1 columns"),
    "quote left open": ('a,b\n1,2\n"3,4\n5,6\n', r"a\.csv:3: 1 columns, the header has 2: '3,4"),
    "name twice": ("a,b,a\n1,2,3\n", r"a\.csv:1: column 'a' stands twice; rename one of them"),
    "no name": ("a,,b\n1,2,3\n", r"a\.csv:1: column 2 has no name; name every column"),
    "Latin-1": (b"a,b\n1,2\n3,x\xe9\n", r"a\.csv:3: byte 4 of the line, 0xe9, is not UTF-8; save"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), r"a\.csv:1: byte 1 of the line, 0xff, is not UTF-8"),
    "cut within a character": (b"a\n\xc3", r"a\.csv:2: byte 1 of the line, 0xc3"),
}


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_names_the_file_the_line_and_the_remedy(rows_of, content, message: str):
    with pytest.raises(DataError, match=message) as raised:
        rows_of(content)
    assert "\n" not in str(raised.value)
