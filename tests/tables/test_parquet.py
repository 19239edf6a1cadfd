"""Parquet tables: cells become JSON values, and damaged files are refused."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as pq

from harness.tables import read_rows
from tests.tables.written_files import refused, values, written


class TestParquet:
    def test_cells_become_json_values(self, tmp_path: Path) -> None:
        """Numbers, nulls, lists, structs and categories are plain values; NaN is a missing value; CRLF reads as LF."""
        table = pa.table(
            {
                "task_id": pa.array([0, 1], pa.int64()),
                "score": pa.array([float("nan"), 2.5]),
                "text": pa.array(["a\r\nb", None], pa.large_string()),
                "tags": pa.array([["x"], []]),
                "rule": pa.array([{"type": "json"}, None]),
                "model": pa.array(["m", "m"]).dictionary_encode(),
                "day": pa.array([0, 1], pa.date32()),
            }
        )
        pq.write_table(table, tmp_path / "a.parquet")
        assert values(tmp_path / "a.parquet") == [
            {
                "task_id": 0,
                "score": None,
                "text": "a\nb",
                "tags": ["x"],
                "rule": {"type": "json"},
                "model": "m",
                "day": "1970-01-01",
            },
            {"task_id": 1, "score": 2.5, "text": None, "tags": [], "rule": None, "model": "m", "day": "1970-01-02"},
        ]
        assert [row.line for row in read_rows(tmp_path / "a.parquet")] == [1, 2]

    def test_known_by_its_content(self, tmp_path: Path) -> None:
        """The suffix does not have to be .parquet."""
        pq.write_table(pa.table({"a": [1]}), tmp_path / "a.data")
        assert values(tmp_path / "a.data") == [{"a": 1}]

    def test_damaged_file(self, tmp_path: Path) -> None:
        """A file cut short is an error that says so."""
        pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
        path = written(tmp_path, "cut.parquet", (tmp_path / "a.parquet").read_bytes()[:-20])
        assert "not a Parquet file that can be read" in str(refused(path))

    def test_raw_bytes_are_refused(self, tmp_path: Path) -> None:
        """A column of raw bytes is no text, and the error names the row."""
        pq.write_table(pa.table({"a": [b"\xff"]}), tmp_path / "a.parquet")
        assert "a cell of type bytes" in str(refused(tmp_path / "a.parquet"))

    def test_only_parquet_pays_for_pyarrow(self, tmp_path: Path) -> None:
        """Reading JSONL and CSV imports neither pyarrow nor numpy."""
        path = written(tmp_path, "a.jsonl", '{"a": 1}')
        code = (
            "import sys; from harness.tables import read_rows; read_rows(sys.argv[1]);"
            "print([name for name in ('pyarrow', 'numpy', 'pydantic') if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
