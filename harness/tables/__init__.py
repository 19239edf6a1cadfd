"""Tables of rows with named values, read from JSONL, JSON, CSV and Parquet files."""

from harness.tables.reading import Table, read_rows, read_table, sha256_of
from harness.tables.rows import Row, compact, id_text, name_text, shorten
from harness.tables.text import parse_json

__all__ = [
    "Row",
    "Table",
    "compact",
    "id_text",
    "name_text",
    "parse_json",
    "read_rows",
    "read_table",
    "sha256_of",
    "shorten",
]
