"""Opening a table: the format from the suffix, else from the content."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path

from harness.errors import InputError
from harness.locale import tr
from harness.tables.files import read_bytes, refuse_long_lines, refuse_nul
from harness.tables.rows import Row
from harness.tables.text import csv_rows, decode, header_width, json_rows
from harness.tables.typed_path import TypedPath, typed_path

# pyarrow and openpyxl take 0.13 s each to import, so their readers are loaded the way plugins are: when a file asks.
_PARQUET = EntryPoint(name="parquet", value="harness.tables.parquet:parquet_rows", group="harness.tables")
_XLSX = EntryPoint(name="xlsx", value="harness.tables.xlsx", group="harness.tables")
_PARQUET_MAGIC = b"PAR1"
_ZIP_MAGIC = b"PK\x03\x04"
_NO_TABLES = {
    _ZIP_MAGIC: tr("a ZIP file"),
    b"%pdf-": tr("a PDF file"),
    b"<!doctype html": tr("a web page (HTML)"),
    b"<html": tr("a web page (HTML)"),
    b"\x1f\x8b": tr("a gzip file"),
    b"\xd0\xcf\x11\xe0": tr("an Excel file of the old kind, or one with a password"),
}
_MAGIC = 16  # bytes at the beginning of a file that tell what it is
_JSON_SUFFIXES = {".jsonl", ".ndjson", ".json"}
_CSV_SUFFIXES = {".csv": None, ".tsv": "\t"}
_PARQUET_SUFFIXES = {".parquet", ".pq"}
_XLSX_SUFFIXES = {".xlsx", ".xlsm"}


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


def read_table(path: str | Path, *, keep_odd: bool = False, roles: Mapping[str, str] | None = None) -> Table:
    """Return the rows of a JSONL, JSON, CSV, TSV, Parquet or xlsx file; other suffixes are told apart by content.

    ``~`` stands for the home folder. The file is read once, so ``sha256`` belongs to exactly these rows.
    With ``keep_odd`` a JSON value that is no object does not stop the reading; its row says what is the trouble.

    After the path may stand which columns play the part of others, and which sheet of a workbook is read, as
    ``answers.xlsx,output=回答,sheet=結果``; ``roles`` are the names that may be given,
    each with the one that the reader looks for first. Such a table has a ``sha256`` of
    its own, since other rows come of the same bytes.

    Raises:
        InputError: no such file, a folder, no permission, an empty file, rows that cannot be read (with their line).
        UsageError: what stands after the path cannot be used.
    """
    typed = typed_path(str(path), roles)
    data = read_bytes(typed.path)
    rows = _rows(data, typed, keep_odd=keep_odd)
    sha256 = hashlib.sha256(data).hexdigest()
    if typed.view:
        sha256 = hashlib.sha256(f"{sha256},{typed.view}".encode("utf-8", "surrogateescape")).hexdigest()
    return Table(path=typed.path, sha256=sha256, rows=tuple(_renamed(rows, typed)))


def _renamed(rows: Sequence[Row], typed: TypedPath) -> Sequence[Row]:
    """Return the rows with their columns under the names that they were given.

    Raises:
        InputError: there is no such column, or one that is not named otherwise has the name already.
    """
    if not typed.columns:
        return rows
    present = dict.fromkeys(name for row in rows for name in row.values)
    listed = tr("The file's columns: {columns}.", columns=", ".join(present))
    for name, column in typed.columns.items():
        if column not in present:
            raise InputError(
                tr("no column {name!r} (mapped to {role})", name=column, role=name), path=typed.path, hint=listed
            )
    names = {column: name for name, column in typed.columns.items()}
    hidden = [name for name in typed.columns if name in present and name not in names]
    return [replace(row, values=_under_names(row.values, names, hidden)) for row in rows]


def _under_names(values: Mapping[str, object], names: Mapping[str, str], hidden: Collection[str]) -> dict[str, object]:
    return {names.get(name, name): value for name, value in values.items() if name not in hidden}


def read_rows(path: str | Path) -> tuple[Row, ...]:
    """Return the rows of a file; see `read_table`."""
    return read_table(path).rows


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal.

    Raises:
        InputError: the file cannot be read.
    """
    return hashlib.sha256(read_bytes(path)).hexdigest()


def _rows(data: bytes, typed: TypedPath, *, keep_odd: bool) -> list[Row]:
    path = typed.path
    if not data.strip(b" \t\r\n\xef\xbb\xbf"):
        raise InputError(
            tr("the file is empty"), path=path, hint=tr("Was it saved, and copied whole? Otherwise name another file.")
        )
    suffix = Path(path).suffix.lower()
    if data.startswith(_PARQUET_MAGIC) or suffix in _PARQUET_SUFFIXES:
        read_parquet: Callable[[bytes, str], list[Row]] = _PARQUET.load()
        rows = read_parquet(data, path)
    elif suffix in _XLSX_SUFFIXES or (data.startswith(_ZIP_MAGIC) and _XLSX.load().is_workbook(data)):
        rows = _XLSX.load().xlsx_rows(data, path, sheet=typed.sheet)
        typed = replace(typed, sheet=None)
    else:
        rows = _text_rows(data, path, suffix, keep_odd=keep_odd)
    if typed.sheet is not None:
        raise InputError(tr("only workbooks have sheets, and this is none: {sheet}", sheet=typed.sheet), path=path)
    if not rows:
        raise InputError(tr("the file has no rows"), path=path)
    return rows


def _text_rows(data: bytes, path: str, suffix: str, *, keep_odd: bool) -> list[Row]:
    begins = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:_MAGIC].lower()
    for magic, what in _NO_TABLES.items():
        if begins.startswith(magic.lower()):
            raise InputError(
                tr("this is {what}", what=what),
                path=path,
                hint=tr("Export it as CSV (UTF-8), .xlsx, JSONL or Parquet."),
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
        tr("neither JSON, CSV, Parquet nor a workbook by its content"),
        path=path,
        hint=tr("Name it .jsonl, .json, .csv, .tsv, .parquet or .xlsx."),
    )
