"""Builds real workbooks from descriptions of what they contain, bombs and liars included.

Every key of a description changes the file in one way; an unknown key is an error, so that a case
nobody understood can never pass by accident.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_MACRO_TYPE: Final = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

OTHER_FORMATS: Final[Mapping[str, bytes]] = {
    "csv": "kod;unvan\nA1;Şişli A.Ş.\n".encode(),
    "txt": b"hello\n",
    "html": b"<html><table><tr><td>1</td></tr></table></html>",
    "xml": b'<?xml version="1.0"?><workbook/>',
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "gz": b"\x1f\x8b\x08\x00" + bytes(32),
    "json": b'{"a": 1}',
    "xls": _OLE + bytes(1024),
    "doc": _OLE + bytes(1024),
    "empty": b"",
}


def build(description: Mapping[str, Any]) -> bytes:
    """The bytes of the described file.

    Raises: ValueError for a key or a value this builder does not know.
    """
    description = dict(description)
    other = description.pop("rename_from", None)
    if other is not None:
        return _other_format(str(other).lower().lstrip("."), description)
    if description.pop("encrypted", False):
        _finish(description)
        # An encrypted workbook is an OLE container with the package inside.
        return _OLE + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(4096)
    plan = _Plan()
    for key in list(description):
        if key in _KEYS and key in description:
            _KEYS[key](plan, description.pop(key), description)
    _finish(description)
    return plan.file()


def _finish(description: Mapping[str, Any]) -> None:
    unknown = set(description) - {"rename", "name", "filename"}
    if unknown:
        raise ValueError(f"the workbook builder does not know {sorted(unknown)}")


def _other_format(name: str, description: dict[str, Any]) -> bytes:
    _finish(description)
    if name == "xlsm":
        return build({"vba": True})
    if name in ("zip", "ods", "docx", "jar"):
        output = io.BytesIO()
        with zipfile.ZipFile(output, "w") as archive:
            archive.writestr("mimetype" if name == "ods" else "word/document.xml", "<a/>")
        return output.getvalue()
    if name not in OTHER_FORMATS:
        raise ValueError(f"the workbook builder does not know the format {name}")
    return OTHER_FORMATS[name]


@dataclass
class _Plan:
    """What the file will contain; the keys of a description change it."""

    rows: int = 3
    columns: int = 3
    dimension: str | None = None
    formula: str | None = None
    shared: tuple[int, int] | None = None
    sheet_padding: int = 0
    doctype_in: str | None = None
    macro_type: bool = False
    hidden: list[str] = field(default_factory=list)
    extra: dict[str, bytes] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    members: int | None = None
    file_size: int | None = None
    links: list[str] = field(default_factory=list)
    declared: dict[str, int] = field(default_factory=dict)
    flags: int = 0
    header: list[str] | None = None
    big_cell: int = 0

    def file(self) -> bytes:
        """The archive."""
        output = io.BytesIO()
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            count = 0
            for name, content in self._parts():
                if name == self.doctype_in:
                    content = _with_doctype(content)
                archive.writestr(name, content)
                count += 1
            if self.doctype_in is not None and self.doctype_in not in archive.namelist():
                archive.writestr(self.doctype_in, _with_doctype(f"{_XML}<a/>".encode()))
                count += 1
            for name, content in self.extra.items():
                archive.writestr(name, content)
                count += 1
            for name, content in self.stored.items():
                archive.writestr(name, content, compress_type=zipfile.ZIP_STORED)
                count += 1
            for number in range(max(0, (self.members or 0) - count)):
                archive.writestr(f"customXml/item{number}.xml", f"{_XML}<a/>")
        data = output.getvalue()
        if self.file_size is not None and len(data) < self.file_size:
            data = self._grown(self.file_size - len(data))
        for name, size in self.declared.items():
            data = _declare(data, name, size)
        return _flag(data, self.flags) if self.flags else data

    def _grown(self, missing: int) -> bytes:
        """The same file with a picture that cannot be packed, to the wanted size."""
        overhead = 2 * len("xl/media/image1.png") + 30 + 46
        noise = random.Random(1).randbytes(max(0, missing - overhead))
        size, self.file_size = self.file_size, None
        self.stored["xl/media/image1.png"] = noise
        data = self.file()
        self.file_size = size
        return data

    def _parts(self) -> Iterator[tuple[str, bytes]]:
        kind = _MACRO_TYPE if self.macro_type else _SHEET_TYPE
        sheets = ["Personel", *self.hidden]
        yield (
            "[Content_Types].xml",
            (
                f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
                '<Default Extension="rels"'
                ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                '<Default Extension="xml" ContentType="application/xml"/>'
                f'<Override PartName="/xl/workbook.xml" ContentType="{kind}"/></Types>'
            ).encode(),
        )
        yield (
            "_rels/.rels",
            _relations([("officeDocument", "xl/workbook.xml", False)]),
        )
        names = "".join(
            f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"'
            + (' state="hidden"/>' if i > 1 else "/>")
            for i, name in enumerate(sheets, start=1)
        )
        yield (
            "xl/workbook.xml",
            (
                f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{names}</sheets>'
                "</workbook>"
            ).encode(),
        )
        relations = [
            ("worksheet", f"worksheets/sheet{i}.xml", False) for i in range(1, len(sheets) + 1)
        ]
        relations.append(("sharedStrings", "sharedStrings.xml", False))
        relations += [("externalLink", f"externalLinks/{name}", False) for name in self.links]
        yield "xl/_rels/workbook.xml.rels", _relations(relations)
        count, length = self.shared or (1, 5)
        text = "x" * length
        yield (
            "xl/sharedStrings.xml",
            (
                f'{_XML}<sst xmlns="{_MAIN}">' + f"<si><t>{text}</t></si>" * count + "</sst>"
            ).encode(),
        )
        yield "xl/worksheets/sheet1.xml", self._sheet()
        for i in range(2, len(sheets) + 1):
            yield f"xl/worksheets/sheet{i}.xml", _Plan(rows=2)._sheet()
        for name in self.links:
            yield f"xl/externalLinks/{name}", f'{_XML}<externalLink xmlns="{_MAIN}"/>'.encode()

    def _sheet(self) -> bytes:
        header = self.header or [f"sutun {i}" for i in range(1, self.columns + 1)]
        lines = [_line(1, header)]
        for number in range(2, self.rows + 2):
            cells = [f"deger {number}"] + ["1"] * (len(header) - 1)
            if self.big_cell and number == 2:
                cells[-1] = "x" * self.big_cell
            last = self.formula if number == 2 else None
            lines.append(_line(number, cells, last, shared=self.shared is not None))
        dimension = f'<dimension ref="{self.dimension}"/>' if self.dimension else ""
        sheet = (
            f'{_XML}<worksheet xmlns="{_MAIN}">{dimension}<sheetData>{"".join(lines)}'
            "</sheetData></worksheet>"
        ).encode()
        return sheet + b" " * max(0, self.sheet_padding - len(sheet))


def _line(number: int, cells: list[str], last: str | None = None, *, shared: bool = False) -> str:
    """One row; ``last`` is the XML of its last cell when that is special."""
    texts = [f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in cells]
    if last is not None:
        texts[-1] = last
    elif shared:
        texts[-1] = '<c t="s"><v>0</v></c>'
    return f'<row r="{number}">{"".join(texts)}</row>'


def _relations(entries: list[tuple[str, str, bool]]) -> bytes:
    body = "".join(
        f'<Relationship Id="rId{i}" Type="{_REL}/{kind}" Target="{target}"'
        + (' TargetMode="External"/>' if external else "/>")
        for i, (kind, target, external) in enumerate(entries, start=1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{body}</Relationships>'.encode()


def _with_doctype(content: bytes) -> bytes:
    declaration, _, rest = content.partition(b"?>")
    return declaration + b'?><!DOCTYPE a [<!ENTITY b "c">]>' + rest


def _declare(data: bytes, name: str, size: int) -> bytes:
    """Change the unpacked size of a member in its local and its central header."""
    changed = bytearray(data)
    encoded = name.encode()
    for mark, offset, name_at in ((b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)):
        start = changed.find(mark)
        while start >= 0:
            if changed[start + name_at : start + name_at + len(encoded)] == encoded:
                struct.pack_into("<L", changed, start + offset, size)
            start = changed.find(mark, start + 4)
    return bytes(changed)


def _flag(data: bytes, flags: int) -> bytes:
    """Set general purpose flags on every member."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = changed.find(mark)
        while start >= 0:
            (old,) = struct.unpack_from("<H", changed, start + offset)
            struct.pack_into("<H", changed, start + offset, old | flags)
            start = changed.find(mark, start + 4)
    return bytes(changed)


def _inner_zip() -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr("a.txt", "a")
    return output.getvalue()


_Rest = dict[str, Any]


def _rows(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.rows = int(value)


def _columns(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.columns = int(value)


def _header(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.header = [str(name) for name in value]


def _dimension(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.dimension = str(value)


def _sheet_bytes(plan: _Plan, value: Any, rest: _Rest) -> None:
    plan.sheet_padding = int(value)
    plan.file_size = rest.pop("file_bytes", None)


def _file_bytes(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.file_size = int(value)


def _file_mb(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.file_size = int(value * 1_000_000)


def _unpacked_mb(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.sheet_padding = int(value * 1_000_000)
    plan.file_size = plan.file_size or plan.sheet_padding // 50


def _shared(plan: _Plan, value: Any, _rest: _Rest) -> None:
    count, length = value
    plan.shared = (int(count), int(length))


def _members(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.members = int(value)


def _member_names(plan: _Plan, value: Any, _rest: _Rest) -> None:
    for name in value:
        nested = str(name).lower().endswith((".zip", ".xlsx", ".jar"))
        plan.extra[str(name)] = _inner_zip() if nested else f"{_XML}<a/>".encode()


def _vba(plan: _Plan, value: Any, _rest: _Rest) -> None:
    if value:
        plan.macro_type = True
        plan.extra["xl/vbaProject.bin"] = _OLE + bytes(512)


def _formula(plan: _Plan, value: Any, _rest: _Rest) -> None:
    text = str(value).removeprefix("=").replace("&", "&amp;").replace("<", "&lt;")
    plan.formula = f"<c><f>{text}</f><v>2</v></c>"


def _doctype(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.doctype_in = str(value)


def _declared(plan: _Plan, value: Any, rest: _Rest) -> None:
    plan.sheet_padding = int(rest.pop("real_size", 60_000_000))
    plan.declared["xl/worksheets/sheet1.xml"] = int(value)


def _real_size(plan: _Plan, value: Any, rest: _Rest) -> None:
    _declared(plan, rest.pop("declared_size", 100), {"real_size": value})


def _nested(plan: _Plan, value: Any, _rest: _Rest) -> None:
    if value:
        name = value if isinstance(value, str) else "xl/embeddings/inner.zip"
        plan.extra[name] = _inner_zip()


def _external(plan: _Plan, value: Any, _rest: _Rest) -> None:
    if value:
        plan.links.append("externalLink1.xml")


def _hidden(plan: _Plan, value: Any, _rest: _Rest) -> None:
    names = value if isinstance(value, list) else [value]
    if names == [True]:
        names = ["gizli"]
    if len(names) == 1 and type(names[0]) is int:
        names = [f"gizli {i}" for i in range(names[0])]
    plan.hidden += [str(name) for name in names]


def _password(plan: _Plan, value: Any, _rest: _Rest) -> None:
    if value:
        plan.flags = 0x1


def _ratio(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.sheet_padding = 20_000_000
    plan.file_size = int(20_000_000 / float(value))


def _field_bytes(plan: _Plan, value: Any, _rest: _Rest) -> None:
    plan.big_cell = int(value)


_KEYS: Final = {
    "rows": _rows,
    "columns": _columns,
    "header": _header,
    "dimension": _dimension,
    "sheet_bytes": _sheet_bytes,
    "file_bytes": _file_bytes,
    "file_mb": _file_mb,
    "unpacked_mb": _unpacked_mb,
    "shared_strings": _shared,
    "members": _members,
    "member_names": _member_names,
    "vba": _vba,
    "macro": _vba,
    "formula": _formula,
    "doctype_in": _doctype,
    "declared_size": _declared,
    "real_size": _real_size,
    "nested": _nested,
    "nested_archive": _nested,
    "nested_zip": _nested,
    "external_link": _external,
    "external_links": _external,
    "hidden_sheet": _hidden,
    "hidden_sheets": _hidden,
    "zip_password": _password,
    "password": _password,
    "ratio": _ratio,
    "field_bytes": _field_bytes,
}
"""From a key of a description to what it changes; the order of the description decides."""
