"""Rows from a Parquet file."""

import datetime as dt
import decimal
import math
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from harness.errors import InputError
from harness.locale import tr
from harness.tables.files import largest, more_allowed
from harness.tables.rows import Row, lf

_UNPACKED_SHARE = 4  # unpacked bytes for each that the file may hold
_BYTES_PER_CELL = 64  # what a cell takes at least, as a value of Python: 62,500,000 cells unless more is allowed
_MOST_COLUMNS = 10_000
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 64, 8_192  # rows


def parquet_rows(data: bytes, path: str) -> list[Row]:
    """Return the rows of a Parquet file as values that JSON knows; ``line`` is the row's number from 1.

    NaN, which pandas writes for a missing number, reads as None; dates and decimals read as text. How much there is to
    unpack is looked at before, as the file declares it, and again while it is unpacked.

    Raises:
        InputError: not a Parquet file, a damaged one, one that unpacks to too much, two columns of one name, or a cell
            of raw bytes.
    """
    limit = _UNPACKED_SHARE * largest()
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _refuse_large(file.metadata, path, limit)
        rows: list[Row] = []
        size = 0
        for batch in file.iter_batches(batch_size=_rows_at_once(file.metadata, limit)):
            new = _rows(batch, path, first=len(rows) + 1)
            # A text that stands in many rows of a dictionary is there once in the batch, and in every row of ours.
            size += batch.nbytes + (sum(map(_weight, new)) if "dictionary<" in str(batch.schema) else 0)
            if size > limit:
                raise InputError(
                    tr("more than {limit:,} bytes once unpacked", limit=limit), path=path, hint=more_allowed()
                )
            rows += new
    except (pa.ArrowException, OSError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(
            tr("not a Parquet file that can be read: {splitlines}", splitlines=str(error).splitlines()[0]), path=path
        ) from None
    return rows


def _refuse_large(metadata: pq.FileMetaData, path: str, limit: int) -> None:
    """Raise InputError for more rows, columns or bytes than there is memory for, by what the file says of itself."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    rows, columns = metadata.num_rows, metadata.num_columns
    if columns > _MOST_COLUMNS:
        raise InputError(
            tr(
                "{columns:,} columns; a table has at most {most_columns:,}", columns=columns, most_columns=_MOST_COLUMNS
            ),
            path=path,
        )
    if size > limit or rows * columns > limit // _BYTES_PER_CELL:
        raise InputError(
            tr(
                "{rows:,} rows and {size:,} bytes once unpacked; a table may have {limit:,} cells and "
                "{limit_2:,} bytes",
                rows=rows,
                size=size,
                limit=limit // _BYTES_PER_CELL,
                limit_2=limit,
            ),
            path=path,
            hint=more_allowed(),
        )


def arrow_rows(table: pa.Table, path: str) -> list[Row]:
    """Return the rows of an Arrow table in the same way.

    Raises:
        InputError: two columns of one name, or a cell of raw bytes.
    """
    return _rows(table, path, first=1)


def _rows(table: pa.Table | pa.RecordBatch, path: str, *, first: int) -> list[Row]:
    columns = [column.to_pylist() for column in table.columns]
    names = [str(name) for name in table.schema.names]
    if len(set(names)) != len(names):
        raise InputError(tr("two columns have the same name among: {names}", names=", ".join(names)), path=path)
    return [
        Row(line=number, values={name: _plain(cell, path, number) for name, cell in zip(names, cells, strict=True)})
        for number, cells in enumerate(zip(*columns, strict=True), start=first)
    ]


def _rows_at_once(metadata: pq.FileMetaData, limit: int) -> int:
    """Return how many rows may be unpacked together: one text, as long as its column, may stand in all of them."""
    longest = max(
        (
            metadata.row_group(group).column(column).total_uncompressed_size
            for group in range(metadata.num_row_groups)
            for column in range(metadata.num_columns)
        ),
        default=0,
    )
    return max(_FEWEST_AT_ONCE, min(_MOST_AT_ONCE, limit // max(1, longest)))


def _weight(row: Row) -> int:
    todo: list[Any] = [row.values]
    weight = 0
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            weight += len(value)
        elif isinstance(value, list | dict):
            todo += value.values() if isinstance(value, dict) else value
    return weight


def _plain(value: Any, path: str, number: int) -> Any:  # noqa: ANN401 - any cell goes in, a JSON value comes out
    if isinstance(value, str):
        return lf(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, list):
        return [_plain(item, path, number) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item, path, number) for key, item in value.items()}
    if isinstance(value, dt.date | dt.time | dt.timedelta | decimal.Decimal):
        return str(value)
    raise InputError(tr("a cell of type {name} cannot be used", name=type(value).__name__), path=path, line=number)
