"""Rows from a Parquet file."""

import datetime as dt
import decimal
import math
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from harness.errors import InputError
from harness.tables.rows import Row, lf


def parquet_rows(data: bytes, path: str) -> list[Row]:
    """Return the rows of a Parquet file as values that JSON knows; ``line`` is the row's number from 1.

    NaN, which pandas writes for a missing number, reads as None; dates and decimals read as text.

    Raises:
        InputError: not a Parquet file, a damaged one, two columns of one name, or a cell of raw bytes.
    """
    try:
        table = pq.ParquetFile(pa.BufferReader(data)).read()
        return arrow_rows(table, path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"not a Parquet file that can be read: {str(error).splitlines()[0]}", path=path) from None


def arrow_rows(table: pa.Table, path: str) -> list[Row]:
    """Return the rows of an Arrow table in the same way.

    Raises:
        InputError: two columns of one name, or a cell of raw bytes.
    """
    columns = [column.to_pylist() for column in table.columns]
    names = [str(name) for name in table.column_names]
    if len(set(names)) != len(names):
        raise InputError(f"two columns have the same name among: {', '.join(names)}", path=path)
    return [
        Row(line=number, values={name: _plain(cell, path, number) for name, cell in zip(names, cells, strict=True)})
        for number, cells in enumerate(zip(*columns, strict=True), start=1)
    ]


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
    raise InputError(f"a cell of type {type(value).__name__} cannot be used", path=path, line=number)
