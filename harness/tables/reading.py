"""Opening a table: the format from the suffix, else from the content."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

from harness.errors import InputError
from harness.locale import tr
from harness.tables.files import read_bytes, refuse_long_lines, refuse_nul
from harness.tables.rows import Row
from harness.tables.text import csv_rows, decode, header_width, json_rows

# pyarrow takes 0.13 s to import, so its reader is loaded the way a plugin is: when a file asks for it.
_PARQUET = EntryPoint(name="parquet", value="harness.tables.parquet:parquet_rows", group="harness.tables")
_PARQUET_MAGIC = b"PAR1"
_ARCHIVES = {b"PK\x03\x04": tr("an Excel or ZIP file"), b"\x1f\x8b": tr("a gzip file")}
_JSON_SUFFIXES = {".jsonl", ".ndjson", ".json"}
_CSV_SUFFIXES = {".csv": None, ".tsv": "\t"}
_PARQUET_SUFFIXES = {".parquet", ".pq"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file's rows, with its ``path`` as typed and the SHA-256 of its bytes."""

    path: str
    sha256: str
    rows: tuple[Row, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, in the order in which they first appear."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.values))


def read_table(path: str | Path, *, keep_odd: bool = False) -> Table:
    """Return the rows of a JSONL, JSON, CSV, TSV or Parquet file; other suffixes are told apart by content.

    ``~`` stands for the home folder. The file is read once, so ``sha256`` belongs to exactly these rows.
    With ``keep_odd`` a JSON value that is no object does not stop the reading; its row says what is the trouble.

    Raises:
        InputError: no such file, a folder, no permission, an empty file, rows that cannot be read (with their line).
    """
    data = read_bytes(path)
    return Table(
        path=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        rows=tuple(_rows(data, str(path), keep_odd=keep_odd)),
    )


def read_rows(path: str | Path) -> tuple[Row, ...]:
    """Return the rows of a file; see `read_table`."""
    return read_table(path).rows


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal.

    Raises:
        InputError: the file cannot be read.
    """
    return hashlib.sha256(read_bytes(path)).hexdigest()


def _rows(data: bytes, path: str, *, keep_odd: bool) -> list[Row]:
    if not data.strip(b" \t\r\n\xef\xbb\xbf"):
        raise InputError(tr("the file is empty"), path=path)
    suffix = Path(path).suffix.lower()
    if data.startswith(_PARQUET_MAGIC) or suffix in _PARQUET_SUFFIXES:
        read_parquet: Callable[[bytes, str], list[Row]] = _PARQUET.load()
        rows = read_parquet(data, path)
    else:
        rows = _text_rows(data, path, suffix, keep_odd=keep_odd)
    if not rows:
        raise InputError(tr("the file has no rows"), path=path)
    return rows


def _text_rows(data: bytes, path: str, suffix: str, *, keep_odd: bool) -> list[Row]:
    for magic, what in _ARCHIVES.items():
        if data.startswith(magic):
            raise InputError(
                tr("this is {what}", what=what), path=path, hint=tr("Export it as CSV (UTF-8), JSONL or Parquet.")
            )
    refuse_long_lines(data, path)
    text = decode(data, path)
    refuse_nul(text, path)
    if suffix in _CSV_SUFFIXES:
        return csv_rows(text, path, delimiter=_CSV_SUFFIXES[suffix])
    if suffix in _JSON_SUFFIXES or text.lstrip()[:1] in {"{", "["}:
        return json_rows(text, path, keep_odd=keep_odd)
    if header_width(text) > 1:
        return csv_rows(text, path)
    raise InputError(
        tr("neither JSON, CSV nor Parquet by its content"),
        path=path,
        hint=tr("Name it .jsonl, .json, .csv, .tsv or .parquet."),
    )
