"""JSON and CSV as text: every writing and encoding, and what is said about text that cannot be read."""

import csv
import io
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tables import Row, read_rows
from tests.tables.written_files import refused, values, written

ROWS = [{"task_id": 0, "input": "一行目\n二行目"}, {"task_id": 1, "input": 'カンマ, セミコロン; "引用"'}]


class TestJson:
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    @pytest.mark.parametrize("indent", [None, 2])
    def test_objects_in_lines_and_over_lines_are_the_same_rows(
        self, tmp_path: Path, newline: str, indent: int | None
    ) -> None:
        """One object a line or over several lines, with LF or CRLF: the rows are the same."""
        text = "\n".join(json.dumps(row, ensure_ascii=False, indent=indent) for row in ROWS) + "\n"
        assert values(written(tmp_path, "a.jsonl", text.replace("\n", newline))) == ROWS

    def test_several_objects_on_one_line(self, tmp_path: Path) -> None:
        """Objects need no line break between them."""
        assert values(written(tmp_path, "a.jsonl", '{"a":1}{"a":2} {"a":3}')) == [{"a": 1}, {"a": 2}, {"a": 3}]

    @pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt"])
    def test_array(self, tmp_path: Path, name: str) -> None:
        """A JSON array is read by its content, whatever the suffix."""
        assert values(written(tmp_path, name, json.dumps(ROWS, indent=1))) == ROWS

    def test_rows_know_their_line(self, tmp_path: Path) -> None:
        """A row's line is the one on which it begins, blank lines counted."""
        path = written(tmp_path, "a.jsonl", '{"a": 1}\n\n{\n "a": 2\n}\n{"a": 3}')
        assert [row.line for row in read_rows(path)] == [1, 3, 6]
        path = written(tmp_path, "a.json", '[\n {"a": 1},\n\n {"a":\n 2},\n {"a": 3}]')
        assert [row.line for row in read_rows(path)] == [2, 4, 6]

    def test_escaped_crlf_reads_as_lf(self, tmp_path: Path) -> None:
        """CRLF that was escaped inside a string becomes LF too, in lists and objects as well."""
        path = written(tmp_path, "a.jsonl", r'{"a": "x\r\ny", "b": ["p\u000D\nq"], "c": {"d": "\r"}}')
        assert values(path) == [{"a": "x\ny", "b": ["p\nq"], "c": {"d": "\r"}}]

    def test_nul_and_lone_surrogates_are_kept(self, tmp_path: Path) -> None:
        """Text that JSON allows is handed on as it is."""
        assert values(written(tmp_path, "a.jsonl", r'{"a": "\u0000\ud83d!"}')) == [{"a": "\x00\ud83d!"}]

    @pytest.mark.parametrize(
        ("text", "line", "says"),
        [
            ('{"a": 1}\nnot json\n{"a": 2}\n', 2, "not JSON (a value is missing): 'not json'"),
            ('{"a": 1}\n{"a": "cut\n{"a": 2}\n', 2, '\'{"a": "cut\''),
            ('{"a": 1}\n{"a":\n{"b": 2}\n{"a": 3}\n', 2, "at line 4"),
            ('{"a": 1}\n{"a": NaN}\n', 2, "NaN is not a JSON value"),
            ('{"a": -Infinity}', 1, "-Infinity is not a JSON value"),
            ('{"a": 1e999}', 1, "'1e999' is too large a number"),
            ('{"a": 1' + "0" * 5000 + "}", 1, "not JSON"),
            ('{"a": 1}\n[1]\n', 2, "expected an object with named values, got '[1]'"),
            ('{"a": 1}\n\n3', 3, "got '3'"),
            ('[{"a": 1},\n{"a": 2}\n{"a": 3}]', 3, "expected one ','"),
            ('[{"a": 1},\n]', 1, "expected one ','"),
            ('[{"a": 1}]\n{"a": 2}', 2, "text after the end of the array"),
            ('[{"a": 1},\n{"a": 2}', 1, "never closed"),
            ('{"a": 1}\n{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", 2, "nested too deeply"),
            ('{"a": "tab\there"}', 1, "not JSON"),
        ],
    )
    def test_bad_json_names_the_line(self, tmp_path: Path, text: str, line: int, says: str) -> None:
        """What is not JSON is an error that names file, line and the beginning of the text."""
        path = written(tmp_path, "a.jsonl", text)
        error = refused(path)
        assert line == error.line
        assert str(error).startswith(f"{path}:{line}: ")
        assert says in str(error)
        assert len(str(error)) < len(str(path)) + 200

    @given(
        st.lists(
            st.dictionaries(
                st.text(max_size=5),
                st.recursive(
                    st.none()
                    | st.booleans()
                    | st.integers()
                    | st.floats(allow_nan=False, allow_infinity=False)
                    | st.text(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                    max_leaves=5,
                ),
                max_size=4,
            ),
            min_size=1,
            max_size=5,
        ),
        st.fixed_dictionaries({"indent": st.sampled_from([None, 0, 3]), "ensure_ascii": st.booleans()}),
        st.sampled_from(["array", "\n", "\r\n", " ", ""]),
    )
    def test_any_writing_of_the_same_objects_reads_alike(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        rows: list[dict[str, Any]],
        layout: dict[str, Any],
        between: str,
    ) -> None:
        """Whatever the layout, the rows are what the standard library's json reads from each object."""
        texts = [json.dumps(row, **layout) for row in rows]
        text = f"[{','.join(texts)}]" if between == "array" else between.join(texts)
        path = written(tmp_path_factory.mktemp("json"), "a.json", text.encode("utf-8"))
        expected = json.loads(json.dumps(rows).replace("\\r\\n", "\\n"))
        assert expected == values(path)


class TestCsv:
    TEXT = 'model,task_id,score,comment\nベース,0,3,"改行\nあり, ""引用"""\nbase,1,,\n'
    EXPECTED: ClassVar = [
        {"model": "ベース", "task_id": "0", "score": "3", "comment": '改行\nあり, "引用"'},
        {"model": "base", "task_id": "1", "score": "", "comment": ""},
    ]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_encodings_and_line_ends(self, tmp_path: Path, encoding: str, newline: str) -> None:
        """UTF-8 with and without BOM, CP932 and UTF-16, with LF and CRLF, read alike."""
        path = written(tmp_path, "a.csv", self.TEXT.replace("\n", newline).encode(encoding))
        assert values(path) == self.EXPECTED

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("name", ["a.csv", "a.txt"])
    def test_delimiters(self, tmp_path: Path, delimiter: str, name: str) -> None:
        """Comma, semicolon and tab are told apart by the header."""
        sheet = io.StringIO()
        writer = csv.DictWriter(sheet, list(self.EXPECTED[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(self.EXPECTED)
        assert values(written(tmp_path, name, sheet.getvalue())) == self.EXPECTED

    def test_tsv_suffix_means_tab(self, tmp_path: Path) -> None:
        """In a .tsv file a comma is an ordinary character."""
        assert values(written(tmp_path, "a.tsv", "a,b,c\td\n1\t2\n")) == [{"a,b,c": "1", "d": "2"}]

    def test_unnamed_columns_and_blank_lines_are_left_out(self, tmp_path: Path) -> None:
        """The index column that pandas writes and blank lines are no data; lines still count."""
        path = written(tmp_path, "a.csv", "\n,id,input\n\n0,a,x\n1,b,y\n")
        assert [Row(line=4, values={"id": "a", "input": "x"}), Row(line=5, values={"id": "b", "input": "y"})] == list(
            read_rows(path)
        )

    def test_nul_and_long_cells(self, tmp_path: Path) -> None:
        """A NUL is no text, and a cell may exceed the csv module's default limit, which stays as it was."""
        limit = csv.field_size_limit()
        long = "あ" * 200_000
        assert [{"a": "x", "b": long}] == values(written(tmp_path, "a.csv", f"a,b\nx,{long}\n"))
        assert 2 == refused(written(tmp_path, "a.csv", f"a,b\nx\x00y,{long}\n")).line
        assert limit == csv.field_size_limit()

    @pytest.mark.parametrize(
        ("text", "line", "says"),
        [
            ("a,b\n1,2\n3\n", 3, "1 cells under a header of 2 columns"),
            ('a,b\n"x\ny",2\n3,4,5\n', 4, "3 cells under a header of 2 columns: '3, 4, 5'"),
            ('a,b\n1,2\n3,"open\n5,6\n', 3, "unexpected end of data"),
            ('a,b\n1,"x"y\n', 2, "not CSV"),
            ("a,b,a\n1,2,3\n", None, "two columns are named 'a'"),
            ("a,b\n", None, "the file has no rows"),
        ],
    )
    def test_malformed_csv(self, tmp_path: Path, text: str, line: int | None, says: str) -> None:
        """Ragged records, open quotes and doubled columns are errors that name the line where the record begins."""
        error = refused(written(tmp_path, "a.csv", text))
        assert line == error.line
        assert says in str(error)

    def test_a_broken_byte_is_not_mojibake(self, tmp_path: Path) -> None:
        """A UTF-8 file with one broken character is an error, though its bytes may be valid CP932."""
        text = "input\n日本語の文章です。\n途中で切れた"
        error = refused(written(tmp_path, "a.csv", text.encode()[:-1]))
        assert error.line == 3
        assert "is not UTF-8 text" in str(error)

    @given(
        st.lists(
            st.lists(
                st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=2, max_size=2
            ),
            min_size=1,
            max_size=5,
        ),
        st.sampled_from([",", ";", "\t"]),
    )
    def test_what_csv_writes_is_read_back(
        self, tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]], delimiter: str
    ) -> None:
        """Cells of any characters but NUL come back as written, CRLF as LF."""
        sheet = io.StringIO()
        writer = csv.writer(sheet, delimiter=delimiter)
        writer.writerows([["x", "y"], *cells])
        path = written(tmp_path_factory.mktemp("csv"), "a.csv", sheet.getvalue().encode())
        assert [[cell.replace("\r\n", "\n") for cell in row] for row in cells] == [
            list(row.values()) for row in values(path)
        ]
