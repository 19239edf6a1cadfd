"""Rows from text: bytes to characters, JSON in lines or in an array, CSV with any common delimiter."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from harness.errors import InputError
from harness.locale import tr
from harness.locale.parsers import parser_said
from harness.tables.cells import is_ours, unguarded
from harness.tables.rows import Row, lf, shorten

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_DELIMITERS = ",;\t"
_LONGEST_HEADER = 1_000_000  # characters
_LONGEST_NUMBER = 300  # digits: what has more is no float, and past 4,300 Python does not convert it
_DEEPEST = 100  # levels of lists and objects: what is deeper breaks programs further on
_JSON_SPACE = re.compile(r"[ \t\n\r]*")


def decode(data: bytes, path: str) -> str:
    r"""Return the characters of a text file in UTF-8, UTF-16 with a byte order mark, or CP932 (Shift_JIS of Windows).

    CP932 is tried only where UTF-8 fails in more places than it works: a UTF-8 file with one broken byte is an error,
    not mojibake.

    >>> decode("日本".encode("cp932"), "a.csv"), decode("日本".encode("utf-8-sig"), "a.csv")
    ('日本', '日本')

    Raises:
        InputError: the bytes are in none of these encodings; names the line of the first that does not fit.
    """
    encoding = next((name for bom, name in _BOMS.items() if data.startswith(bom)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and (text := _decode_cp932(data)) is not None:
            return text
        raise InputError(
            tr(
                "byte 0x{data:02x} is not {upper} text",
                data=data[error.start],
                upper=encoding.removesuffix("-sig").upper(),
            ),
            path=path,
            line=data.count(b"\n", 0, error.start) + 1,
            hint=tr("Save the file as UTF-8."),
        ) from None


def _decode_cp932(data: bytes) -> str | None:
    as_utf8 = data.decode("utf-8", errors="replace")
    broken = as_utf8.count("\N{REPLACEMENT CHARACTER}")
    working = sum(not char.isascii() for char in as_utf8) - broken
    try:
        return data.decode("cp932") if broken > working else None
    except UnicodeDecodeError:
        return None


def parse_json(text: str) -> Any:  # noqa: ANN401 - a JSON value of any shape
    """Return the one JSON value that a cell holds.

    Raises:
        ValueError: it is not JSON (NaN and Infinity are not), nested too deeply, or gives one name two values.
    """
    try:
        value = json.loads(text, **_STRICT)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _refuse_depth(value, text, 0, len(text))
    return lf(value)


def json_rows(text: str, path: str, *, keep_odd: bool = False) -> list[Row]:
    """Return the objects of a JSON array, or of a stream of objects: one a line, several a line or over several lines.

    With ``keep_odd`` a value that is no object is a row without values whose ``trouble`` says so, as long as there are
    objects, too.

    Raises:
        InputError: a value that is not JSON (NaN and Infinity are not) or not an object; names the line it begins on.
    """
    rows = []
    for line, value in _json_values(text, path):
        row = _row(value, line)
        if row.trouble and not keep_odd:
            raise InputError(row.trouble, path=path, line=line)
        rows.append(row)
    if rows and all(row.trouble for row in rows):
        raise InputError(str(rows[0].trouble), path=path, line=rows[0].line)
    return rows


def _row(value: Any, line: int) -> Row:  # noqa: ANN401 - whatever stood in the file
    if isinstance(value, dict):
        return Row(line=line, values=value)
    return Row(
        line=line, values={}, trouble=tr("expected an object with named values, got {value}", value=shorten(value))
    )


def _json_values(text: str, path: str) -> Iterator[tuple[int, Any]]:
    """Yield each value with the line it begins on."""
    decoder = json.JSONDecoder(**_STRICT)
    # Only these escapes can put a carriage return into a value.
    has_cr = "\\r" in text or "\\u000d" in text or "\\u000D" in text
    line, seen = 1, 0
    position = _skip_space(text, 0)
    in_array = text.startswith("[", position)
    if in_array:
        position = _skip_space(text, position + 1)
    closed = False
    while position < len(text):
        line, seen = line + text.count("\n", seen, position), position
        if in_array and text.startswith("]", position):
            closed = True
            position = _skip_space(text, position + 1)
            if position < len(text):
                line += text.count("\n", seen, position)
                raise _not_json(tr("text after the end of the array"), text, position, line, path)
            break
        try:
            value, end = decoder.raw_decode(text, position)
            _refuse_depth(value, text, position, end)
        except json.JSONDecodeError as error:
            said = parser_said(error.msg)
            last = max(line, text.count("\n", 0, len(text.rstrip())) + 1)  # what ends too soon ends with its last line
            place = min(error.lineno, last)
            reason = said if place == line else tr("{said} at line {line}", said=said, line=place)
            raise _not_json(reason, text, position, line, path) from None
        except (ValueError, RecursionError) as error:
            reason = _TOO_DEEP if isinstance(error, RecursionError) else error.args[0]
            raise _not_json(reason, text, position, line, path) from None
        position = end
        yield line, lf(value) if has_cr else value
        position = _skip_space(text, position)
        if in_array and not text.startswith("]", position):
            position = _after_comma(text, position, path)
    if in_array and not closed:
        raise InputError(tr("not JSON: the array that begins here is never closed"), path=path, line=1)


def _after_comma(text: str, position: int, path: str) -> int:
    """Return where the next value of an array begins."""
    following = _skip_space(text, position + 1)
    if position < len(text) and (text[position] != "," or text.startswith("]", following)):
        line = text.count("\n", 0, position) + 1
        raise _not_json(tr("expected one ',' between the values of an array"), text, position, line, path)
    return following


def _skip_space(text: str, position: int) -> int:
    match = _JSON_SPACE.match(text, position)
    return match.end() if match else position


def _not_json(reason: str, text: str, position: int, line: int, path: str) -> InputError:
    offending = text[position : position + 200].partition("\n")[0].rstrip()
    return InputError(
        tr("not JSON ({reason}): {offending}", reason=reason, offending=shorten(offending)), path=path, line=line
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(tr("{name} is not a JSON value, write null", name=name))


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(tr("{digits} is too large a number", digits=shorten(digits)))
    return value


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(tr("a number of {n_digits} digits is too large", n_digits=len(digits)))
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"two values named {shorten(next(name for name in names if names.count(name) > 1))}")
    return values


def _refuse_depth(value: Any, text: str, start: int, end: int) -> None:  # noqa: ANN401 - a JSON value of any shape
    """Raise ValueError if lists and objects stand in each other more than `_DEEPEST` levels deep."""
    if text.count("[", start, end) + text.count("{", start, end) <= _DEEPEST:
        return  # counting brackets takes a hundredth of the time of looking at values
    level = [value]
    for _ in range(_DEEPEST + 1):
        inner = (list(item.values()) if isinstance(item, dict) else item for item in level)
        level = [part for parts in inner if isinstance(parts, list) for part in parts if isinstance(part, dict | list)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


_TOO_DEEP = tr("nested too deeply, more than {deepest} levels", deepest=_DEEPEST)
_STRICT: dict[str, Any] = {
    "object_pairs_hook": _object,
    "parse_constant": _refuse_constant,
    "parse_float": _finite,
    "parse_int": _whole,
}


def csv_rows(text: str, path: str, *, delimiter: str | None = None) -> list[Row]:
    """Return the records under a header line; every cell is text.

    Without ``delimiter`` it is the one of comma, semicolon and tab that splits the header into the most columns.
    Blank lines and columns without a name (the index that pandas writes) are left out. In tables of our own the
    apostrophes are taken away that keep spreadsheets from running cells.

    Raises:
        InputError: two columns of one name, a record with more or fewer cells than the header, a quote never closed.
    """
    head = text[: _LONGEST_HEADER + 1].lstrip("\r\n")
    if len(head) > _LONGEST_HEADER - 1 and "\n" not in head and "\r" not in head:
        raise InputError(
            tr(
                "a first line of more than {longest_header:,} characters names no columns",
                longest_header=_LONGEST_HEADER,
            ),
            path=path,
            line=1,
        )
    delimiter = delimiter or max(_DELIMITERS, key=lambda choice: _header_width(text, choice))
    (_, first), *records = _csv_records(text, path, delimiter) or [(1, [])]
    header = [name.strip() for name in first]
    named = [name for name in header if name]
    if len(set(named)) != len(named):
        twice = next(name for name in named if named.count(name) > 1)
        raise InputError(tr("two columns are named {twice}", twice=shorten(twice)), path=path)
    ours, has_returns = is_ours(header), "\r" in text
    rows = []
    for line, cells in records:
        if len(cells) != len(header):
            raise InputError(
                tr(
                    "{n_cells} cells under a header of {n_header} columns: {cells}",
                    n_cells=len(cells),
                    n_header=len(header),
                    cells=shorten(", ".join(cells)),
                ),
                path=path,
                line=line,
                hint=tr("A cell that holds the delimiter or a line break needs double quotes around it."),
            )
        read = map(unguarded, cells) if ours else cells
        read = map(lf, read) if has_returns else read
        rows.append(Row(line=line, values={name: cell for name, cell in zip(header, read, strict=True) if name}))
    return rows


def header_width(text: str) -> int:
    """Return into how many columns the best delimiter splits the first line."""
    return max(_header_width(text, choice) for choice in _DELIMITERS)


def _header_width(text: str, delimiter: str) -> int:
    first_line = next(filter(str.strip, io.StringIO(text, newline="")), "")
    try:
        return len(next(csv.reader([first_line], delimiter=delimiter, strict=True), []))
    except csv.Error:
        return 0


def _csv_records(text: str, path: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return each record that is not a blank line, with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records = []
    begins = 1
    limit = csv.field_size_limit(len(text) + 1)  # the default refuses cells of over 131,072 characters
    try:
        for cells in reader:
            if cells:
                records.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            tr("not CSV ({error}) in the record that begins here", error=error), path=path, line=begins
        ) from None
    finally:
        csv.field_size_limit(limit)
    return records
