"""Rows from an Excel workbook: what its cells show, on one sheet that can be seen."""

import datetime as dt
import io
import zipfile
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.cell import Cell, MergedCell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from harness.errors import InputError, UnknownNameError
from harness.locale import tr
from harness.tables.cells import is_ours, unguarded
from harness.tables.files import largest, more_allowed
from harness.tables.rows import Row, lf, shorten

_UNPACKED_SHARE = 5  # a workbook in memory takes many times what its XML does
_LISTED = 10


def xlsx_rows(data: bytes, path: str, *, sheet: str | None = None) -> list[Row]:
    """Return the rows under the header line of a sheet; ``line`` is the row's number as the program shows it.

    Without ``sheet`` it is the only one that can be seen and holds anything. A formula counts as the value that the
    file keeps of it; cells merged downwards all have the value of the first; dates read as text, as 2026-11-26; whole
    numbers are whole numbers. Empty rows and columns without a name are left out.

    Raises:
        InputError: no workbook, a damaged or too large one, several sheets to choose from, a formula without its value,
            an error such as ``#N/A``, two columns of one name.
        UnknownNameError: it has no sheet of this name.
    """
    _refuse_large(data, path)
    shown = _chosen(_opened(data, path, values=True), path, sheet)
    _refuse_unreckoned(data, path, shown)
    merged = _merged(shown)
    lines = [
        (number, [_value(cell, merged, path) for cell in cells]) for number, cells in enumerate(shown.iter_rows(), 1)
    ]
    lines = [(number, cells) for number, cells in lines if any(cell is not None for cell in cells)]
    header = [_name(cell) for cell in lines[0][1]] if lines else []
    named = [name for name in header if name]
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise InputError(tr("two columns are named {twice}", twice=shorten(twice)), path=path)
    ours = is_ours(named)
    rows = []
    for number, cells in lines[1:]:
        if stray := [cell for name, cell in zip(header, cells, strict=True) if not name and cell is not None]:
            raise InputError(
                tr("{cell} stands under no column name", cell=shorten(stray[0])),
                path=path,
                line=number,
                hint=tr("The first row that holds anything names the columns."),
            )
        values = {
            name: unguarded(cell) if ours and isinstance(cell, str) else cell
            for name, cell in zip(header, cells, strict=True)
            if name
        }
        rows.append(Row(line=number, values=values))
    return rows


def is_workbook(data: bytes) -> bool:
    """Return whether these bytes are an Excel workbook, and not another ZIP file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _refuse_large(data: bytes, path: str) -> None:
    limit = largest() // _UNPACKED_SHARE
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        raise _unreadable(path, tr("damaged, or not whole")) from None
    if size > limit:
        raise InputError(
            tr("{size:,} bytes once unpacked; a workbook may have {limit:,}", size=size, limit=limit),
            path=path,
            hint=more_allowed(),
        )


def _opened(data: bytes, path: str, *, values: bool) -> Workbook:
    try:
        return openpyxl.load_workbook(io.BytesIO(data), data_only=values)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, ParseError) as error:
        raise _unreadable(path, str(error).splitlines()[0] if str(error) else type(error).__name__) from None


def _unreadable(path: str, reason: str) -> InputError:
    return InputError(
        tr("not an Excel workbook that can be read: {reason}", reason=reason),
        path=path,
        hint=tr("Open it in a spreadsheet program and save it as .xlsx or CSV (UTF-8)."),
    )


def _chosen(book: Workbook, path: str, sheet: str | None) -> Worksheet:
    sheets = book.worksheets
    if sheet is not None:
        for one in sheets:
            if one.title == sheet:
                return one
        raise UnknownNameError(tr("sheet in {path}", path=path), sheet, [one.title for one in sheets])
    filled = [one for one in sheets if one.sheet_state == "visible" and _holds(one)]
    if len(filled) > 1:
        names = [one.title for one in filled]
        raise InputError(
            tr("{n} sheets hold something: {names}", n=len(names), names=", ".join(names[:_LISTED])),
            path=path,
            hint=tr("Say which: {path},sheet={name}", path=path, name=names[0]),
        )
    if not filled:
        hidden = [one.title for one in sheets if one.sheet_state != "visible" and _holds(one)]
        raise InputError(
            tr("no sheet that can be seen holds anything"),
            path=path,
            hint=tr("A hidden one is read if it is named: {path},sheet={name}", path=path, name=hidden[0])
            if hidden
            else None,
        )
    return filled[0]


def _holds(sheet: Worksheet) -> bool:
    return any(cell is not None for row in sheet.iter_rows(values_only=True) for cell in row)


def _refuse_unreckoned(data: bytes, path: str, sheet: Worksheet) -> None:
    """Raise InputError for a formula whose value is not in the file: a program wrote it, and nobody opened it since."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        if not any(b"<f" in archive.read(name) for name in parts):
            return
    formulas = _opened(data, path, values=False)[sheet.title]
    for row in formulas.iter_rows():
        for cell in row:
            if cell.data_type == "f" and sheet[cell.coordinate].value is None:
                raise InputError(
                    tr("cell {cell} is a formula whose value is not in the file", cell=cell.coordinate),
                    path=path,
                    line=cell.row,
                    hint=tr("Open the file in a spreadsheet program and save it."),
                )


def _merged(sheet: Worksheet) -> dict[str, Any]:
    """Return the value of each cell that hides under a merged one above it."""
    found: dict[str, Any] = {}
    for area in sheet.merged_cells.ranges:
        first = sheet.cell(area.min_row, area.min_col).value
        for row in range(area.min_row + 1, area.max_row + 1):
            found[sheet.cell(row, area.min_col).coordinate] = first
    return found


def _value(cell: Cell | MergedCell, merged: dict[str, Any], path: str) -> Any:  # noqa: ANN401 - whatever a cell holds
    value = merged.get(cell.coordinate, cell.value)
    if isinstance(cell, Cell) and cell.data_type == "e":
        raise InputError(
            tr("cell {cell} holds the error {error}", cell=cell.coordinate, error=value), path=path, line=cell.row
        )
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        value = value.date()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    text = lf(value)
    return None if text == "" else text


def _name(cell: object) -> str:
    return "" if cell is None else str(cell).strip()
