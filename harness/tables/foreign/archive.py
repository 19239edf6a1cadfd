"""Members of a ZIP file whose packing may be Zstandard (method 93), as inspect_ai writes it, and not one byte more."""

import io
import struct
import zipfile
import zlib
from importlib.metadata import EntryPoint
from types import ModuleType

from harness.errors import InputError
from harness.locale import Text, tr
from harness.tables.files import largest, more_allowed

_ZSTD = 93
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTD}
_MOST_MEMBERS = 200_000
_UNPACKED = 4  # times as much as a table may hold, as for a Parquet file
_LOCAL_HEADER = 30
_NAME_LENGTHS = 26
# pyarrow takes 0.13 s to import, so it is loaded when a member needs it.
_ARROW = EntryPoint(name="pyarrow", value="pyarrow", group="harness.tables")


def member_names(data: bytes) -> list[str]:
    """Return the names of an archive's members; none if it is no ZIP file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []


class Archive:
    """A ZIP file in memory, whose members were counted and their declared sizes added up before any is unpacked."""

    def __init__(self, data: bytes, path: str) -> None:
        self._data = data
        self._path = path
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            infos = self._archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise self._damaged(tr("it is no whole ZIP file ({error})", error=error)) from None
        if len(infos) > _MOST_MEMBERS:
            raise self._damaged(tr("it has more than {most_members:,} members", most_members=_MOST_MEMBERS))
        self.members = {info.filename: info for info in infos}
        if len(self.members) < len(infos):
            raise self._damaged(tr("two of its members have one name"))
        limit, size = _UNPACKED * largest(), sum(info.file_size for info in infos)
        if size > limit:
            raise InputError(
                tr("larger than {limit:,} bytes once unpacked ({size:,})", limit=limit, size=size),
                path=path,
                hint=more_allowed(),
            )

    def read(self, name: str) -> bytes:
        """Return a member's bytes.

        Raises:
            InputError: it is damaged, locked, packed in a way that is not read, or larger than it says.
        """
        info = self.members[name]
        if info.flag_bits & 1 or info.compress_type not in _PACKED:
            raise self._damaged(tr("{name!r} is locked, or packed in a way that is not read", name=name))
        try:
            data = self._zstd(info) if info.compress_type == _ZSTD else self._plain(info)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, struct.error, NotImplementedError):
            raise self._damaged(tr("{name!r} cannot be unpacked", name=name)) from None
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise self._damaged(tr("{name!r} is not what was written", name=name))
        return data

    def _plain(self, info: zipfile.ZipInfo) -> bytes:
        with self._archive.open(info) as member:
            return member.read(info.file_size + 1)

    def _zstd(self, info: zipfile.ZipInfo) -> bytes:
        name, extra = struct.unpack_from("<HH", self._data, info.header_offset + _NAME_LENGTHS)
        start = info.header_offset + _LOCAL_HEADER + name + extra
        arrow: ModuleType = _ARROW.load()
        packed = arrow.BufferReader(self._data[start : start + info.compress_size])
        stream = arrow.CompressedInputStream(packed, "zstd")
        data: bytes = stream.read(info.file_size + 1)
        return data

    def _damaged(self, what: Text | str) -> InputError:
        return InputError(
            tr("the archive is damaged: {what}.", what=what), path=self._path, hint=tr("Copy the file once more.")
        )
