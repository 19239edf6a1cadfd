"""Writing Excel workbooks: text that stays text, and equal content in equal bytes."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

MOST_ROWS = 1_048_575
"""What a sheet holds below its heading."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_CORE = "docProps/core.xml"
_WRAPPED = Alignment(wrap_text=True, vertical="top")


def workbook(
    sheets: Mapping[str, Iterable[Sequence[Any]]],
    *,
    widths: Sequence[int] = (),
    wrapped: bool = False,
    choices: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    """Return a workbook of sheets by title; the first row of each names its columns and stays in sight.

    Text never runs as a formula, and characters that no workbook holds are replaced. ``widths`` are those of the
    columns in characters; ``wrapped`` shows long cells over several lines. ``choices`` are the values that a column of
    the first sheet takes, by its name: spreadsheet programs offer them, and refuse others. Equal content makes equal
    bytes.
    """
    book = openpyxl.Workbook(write_only=True)
    book.properties.created = book.properties.modified = _EPOCH
    for number, (title, rows) in enumerate(sheets.items()):
        sheet = book.create_sheet(title)
        offered = choices if choices and number == 0 else {}
        sheet.freeze_panes = "A2"
        for column, width in enumerate(widths, start=1):
            sheet.column_dimensions[get_column_letter(column)].width = width
        for line, row in enumerate(rows):
            if line == 0:
                _offer(sheet, row, offered)
            sheet.append([_cell(sheet, value, wrapped=wrapped) for value in row])
    data = io.BytesIO()
    book.save(data)
    return _dated(data.getvalue())


def _offer(sheet: Any, names: Sequence[Any], choices: Mapping[str, Sequence[str]]) -> None:  # noqa: ANN401 - likewise
    """Let cells of some columns be chosen from a list."""
    for column, name in enumerate(names, start=1):
        if name in choices:
            offered = DataValidation(
                type="list", formula1=f'"{",".join(choices[name])}"', allow_blank=True, showErrorMessage=True
            )
            letter = get_column_letter(column)
            offered.add(f"{letter}2:{letter}{MOST_ROWS + 1}")
            sheet.data_validations.append(offered)


def _cell(sheet: Any, value: Any, *, wrapped: bool) -> Any:  # noqa: ANN401 - what openpyxl takes
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", value))
    cell.data_type = "s"
    if wrapped:
        cell.alignment = _WRAPPED
    return cell


def _dated(data: bytes) -> bytes:
    """Return a workbook whose parts bear one fixed date: openpyxl stamps the time of saving into them."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename == _CORE:
                content = _STAMP.sub(_EPOCH.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), content)
            new.writestr(zipfile.ZipInfo(part.filename, _EPOCH.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
