"""Unpacking a ZIP from a stranger: every byte is counted while it comes out, no size is believed.

The central directory of an archive is a claim. ``zipfile`` reads only as many bytes as it declares,
other unpackers read on; so an archive can look small to the guard and be large to the parser. Here
members are inflated from the raw bytes, the counts are compared with the claims, and a caller keeps
only the parts it asked for: nothing behind this module sees the original archive again.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from toolkit.tabular.table import MAX_FILE_BYTES, FileReason, TableRefusedError

MAX_MEMBERS: Final = 1_000
MAX_UNPACKED_BYTES: Final = 50_000_000
MAX_RATIO: Final = 100

_CHUNK: Final = 64 * 1024
_LOCAL_HEADER: Final = struct.Struct("<4s5H3L2H")
_CENTRAL_MARK: Final = b"PK\x01\x02"
_OLE_MARK: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_FLAGS: Final = 0x1 | 0x40
_NESTED_MARKS: Final = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    _OLE_MARK,
)

# NotImplementedError: a version or a method that zipfile does not know.
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    ValueError,
    OSError,
    struct.error,
    UnicodeError,
    NotImplementedError,
)


class GuardedArchive:
    """An archive whose directory has passed; members are inflated at most once each, and counted.

    Units: 10 000 000 bytes, 1 000 members, 50 000 000 bytes unpacked, 100 times the file's size.
    Raises: TableRefusedError(TOO_LARGE | NOT_A_WORKBOOK | ENCRYPTED | DAMAGED | TOO_MANY_MEMBERS |
    UNPACKED_TOO_LARGE | SIZE_LIES | UNSAFE_MEMBER | NESTED_ARCHIVE).
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_FILE_BYTES:
            raise TableRefusedError(
                FileReason.TOO_LARGE, f"The file is larger than {MAX_FILE_BYTES} bytes."
            )
        _refuse_other_formats(data)
        # Counted in the raw bytes first: zipfile builds an object per entry before we can look.
        if data.count(_CENTRAL_MARK) > MAX_MEMBERS:
            raise _too_many_members()
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                infos = archive.infolist()
        except _UNREADABLE as error:
            raise damaged() from error
        if len(infos) > MAX_MEMBERS:
            raise _too_many_members()
        self._data = data
        self._budget = min(MAX_UNPACKED_BYTES, MAX_RATIO * len(data))
        self._infos = {info.filename: info for info in infos}
        _check_names(infos)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all members."""
        return tuple(self._infos)

    def __contains__(self, name: object) -> bool:
        return name in self._infos

    def read(self, name: str) -> bytes:
        """The unpacked bytes of a member."""
        return b"".join(self.chunks(name))

    def skip(self, name: str) -> bytes:
        """Unpack a member only to count and check it; its first chunk."""
        first = b""
        for chunk in self.chunks(name):
            first = first or chunk
        return first

    def chunks(self, name: str) -> Iterator[bytes]:
        """The unpacked bytes of a member, piece by piece, charged to the budget of the archive."""
        info = self._infos[name]
        count = 0
        checksum = 0
        for chunk in _inflate(self._raw(info), info.compress_type):
            if not count and chunk.startswith(_NESTED_MARKS):
                raise TableRefusedError(
                    FileReason.NESTED_ARCHIVE, "The file contains another archive or document."
                )
            count += len(chunk)
            self._budget -= len(chunk)
            if self._budget < 0:
                raise TableRefusedError(
                    FileReason.UNPACKED_TOO_LARGE,
                    f"Unpacked, the file is larger than {MAX_UNPACKED_BYTES} bytes "
                    f"or {MAX_RATIO} times its own size.",
                )
            checksum = zlib.crc32(chunk, checksum)
            yield chunk
        if count != info.file_size or checksum != info.CRC:
            raise TableRefusedError(
                FileReason.SIZE_LIES, "The archive declares other sizes than it contains."
            )

    def _raw(self, info: zipfile.ZipInfo) -> memoryview:
        """The packed bytes of a member, found through its local header."""
        start = info.header_offset
        header = self._data[start : start + _LOCAL_HEADER.size]
        if start < 0 or len(header) < _LOCAL_HEADER.size:
            raise damaged()
        mark, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL_HEADER.unpack(header)
        if mark != b"PK\x03\x04" or method != info.compress_type:
            raise damaged()
        if (flags | info.flag_bits) & _ENCRYPTED_FLAGS:
            raise TableRefusedError(FileReason.ENCRYPTED, "The file is protected by a password.")
        name_at = start + _LOCAL_HEADER.size
        if self._data[name_at : name_at + name_size] != _raw_name(info):
            raise damaged()
        begin = name_at + name_size + extra_size
        raw = memoryview(self._data)[begin : begin + info.compress_size]
        if len(raw) != info.compress_size:
            raise damaged()
        return raw


def damaged() -> TableRefusedError:
    """The refusal of a file whose parts do not fit together."""
    return TableRefusedError(FileReason.DAMAGED, "The file is damaged; please save it again.")


def _refuse_other_formats(data: bytes) -> None:
    if data.startswith(_OLE_MARK):
        raise TableRefusedError(
            FileReason.ENCRYPTED,
            "The file is protected by a password or is an old .xls; please save it as plain .xlsx.",
        )
    if not data.startswith(b"PK\x03\x04"):
        raise TableRefusedError(
            FileReason.NOT_A_WORKBOOK,
            "This is not an XLSX workbook; if it is a CSV file, upload it as .csv.",
        )


def _too_many_members() -> TableRefusedError:
    return TableRefusedError(
        FileReason.TOO_MANY_MEMBERS, f"The file has more than {MAX_MEMBERS} parts."
    )


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")


def _check_names(infos: list[zipfile.ZipInfo]) -> None:
    """Refuse members that leave their folder, hide behind each other or have odd names."""
    seen: set[str] = set()
    for info in infos:
        name = info.orig_filename
        folded = name.casefold()
        parts = name.rstrip("/").split("/")
        if (
            folded in seen
            or "\\" in name
            or "\0" in name
            or ":" in name
            or any(part in ("", ".", "..") for part in parts)
        ):
            raise TableRefusedError(
                FileReason.UNSAFE_MEMBER, "The archive has parts with unsafe or repeated names."
            )
        seen.add(folded)


def _inflate(raw: memoryview, method: int) -> Iterator[bytes]:
    """The unpacked bytes in pieces of bounded size.

    Raises: TableRefusedError(DAMAGED) for other methods than stored and deflated, for broken
    streams, and for packed bytes behind the end of a stream.
    """
    if method == zipfile.ZIP_STORED:
        for start in range(0, len(raw), _CHUNK):
            yield bytes(raw[start : start + _CHUNK])
        return
    if method != zipfile.ZIP_DEFLATED:
        raise damaged()
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for start in range(0, len(raw), _CHUNK):
            pending = bytes(raw[start : start + _CHUNK])
            while pending:
                chunk = stream.decompress(pending, _CHUNK)
                if chunk:
                    yield chunk
                if stream.eof:
                    if stream.unused_data or start + _CHUNK < len(raw):
                        raise damaged()
                    return
                pending = stream.unconsumed_tail
        while chunk := stream.decompress(b"", _CHUNK):
            yield chunk
    except zlib.error as error:
        raise damaged() from error
    if not stream.eof:
        raise damaged()
