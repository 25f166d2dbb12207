"""Opening a workbook from a stranger: one sheet comes out, in a fresh archive built here.

The parts are unpacked and counted by :mod:`zip_guard` and walked once by :mod:`sheet_scan`; what
must not be in a file of data (macros, links, DTDs, nested archives) is refused. The parser behind
this module gets an archive of our own with the inspected parts only, so no trick with names, sizes
or relationships can make the inspection and the reading see different things.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from toolkit.tabular.sheet_scan import (
    SheetFacts,
    check_prolog,
    parse_xml,
    scan_sheet,
    shared_text_lengths,
)
from toolkit.tabular.table import (
    HEADER_SEARCH_ROWS,
    MAX_COLUMNS,
    MAX_ROWS,
    FileReason,
    TableRefusedError,
)
from toolkit.tabular.zip_guard import MAX_UNPACKED_BYTES, GuardedArchive, damaged

MAX_CELLS: Final = 5_000_000
"""Used block of a sheet, rows times columns: it is held in memory while the sheet is read."""

_CONTENT_TYPES: Final = "[Content_Types].xml"
_ROOT_RELATIONS: Final = "_rels/.rels"
_WORKSHEET: Final = "worksheet"
_MACRO_KINDS: Final = frozenset({"vbaProject", "xlMacrosheet", "xlIntlMacrosheet"})
_LINK_KINDS: Final = frozenset({"externalLink", "externalLinkPath", "oleObject"})
_HYPERLINK: Final = "hyperlink"


@dataclass(frozen=True, slots=True)
class _Relation:
    kind: str
    target: str
    external: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """One worksheet of the workbook: its name for people and the part it lives in."""

    name: str
    hidden: bool
    part: str


@dataclass(frozen=True, slots=True)
class InspectedSheet:
    """One visible sheet in an archive of our own, with what the scan found."""

    archive: bytes
    sheet: Sheet
    others: tuple[str, ...]
    hidden: tuple[str, ...]
    facts: SheetFacts


def inspect_workbook(data: bytes, wanted: str | None = None) -> InspectedSheet:
    """Unpack, count and walk everything; keep the first visible sheet, or the named one.

    Raises: TableRefusedError, see FileReason.
    """
    archive = GuardedArchive(data)
    if _CONTENT_TYPES not in archive or _ROOT_RELATIONS not in archive:
        raise _not_a_workbook()
    _check_content_types(archive.read(_CONTENT_TYPES))
    workbook = _target(_relations(archive.read(_ROOT_RELATIONS), ""), "officeDocument")
    relations_part = posixpath.join(
        posixpath.dirname(workbook), "_rels", posixpath.basename(workbook) + ".rels"
    )
    if workbook not in archive or relations_part not in archive:
        raise _not_a_workbook()
    relations = _relations(archive.read(relations_part), posixpath.dirname(workbook))
    sheets, epoch_1904 = _sheets(archive.read(workbook), relations)
    chosen = _choose(sheets, wanted)
    kept = {
        "sheet": chosen.part,
        "texts": _optional(archive, relations, "sharedStrings"),
        "styles": _optional(archive, relations, "styles"),
    }
    if chosen.part not in archive:
        raise damaged()
    parts: dict[str, bytes] = {}
    seen = {_CONTENT_TYPES, _ROOT_RELATIONS, workbook, relations_part}
    for name in archive.names:
        if name in seen or name.endswith("/"):
            continue
        if name in kept.values():
            parts[name] = archive.read(name)
            check_prolog(parts[name])
        else:
            _check_other(name, archive)
    texts = parts.get(kept["texts"], b"")
    facts = scan_sheet(parts[chosen.part], shared_text_lengths(texts) if texts else [])
    _check_size(facts)
    return InspectedSheet(
        archive=_rebuild(parts[chosen.part], texts, parts.get(kept["styles"], b""), epoch_1904),
        sheet=chosen,
        others=tuple(s.name for s in sheets if not s.hidden and s is not chosen),
        hidden=tuple(s.name for s in sheets if s.hidden and s is not chosen),
        facts=facts,
    )


def _not_a_workbook() -> TableRefusedError:
    return TableRefusedError(
        FileReason.NOT_A_WORKBOOK, "This archive is not an XLSX workbook; please save it as .xlsx."
    )


def _check_content_types(xml: bytes) -> None:
    """Refuse macros by declared type, whatever the file is called."""

    def on_start(_name: str, attributes: dict[str, str]) -> None:
        declared = attributes.get("ContentType", "").lower()
        if "macroenabled" in declared or "vbaproject" in declared or "macrosheet" in declared:
            raise _macros()
        if "externallink" in declared:
            raise _external_link()

    parse_xml(xml, on_start)


def _macros() -> TableRefusedError:
    return TableRefusedError(
        FileReason.MACROS, "The workbook contains macros; please save it as .xlsx without them."
    )


def _external_link() -> TableRefusedError:
    return TableRefusedError(
        FileReason.EXTERNAL_LINK, "The workbook links to other files; please save values only."
    )


def _relations(xml: bytes, folder: str) -> dict[str, _Relation]:
    """Relationships by id, targets as names of parts.

    Raises: TableRefusedError(MACROS | EXTERNAL_LINK). A hyperlink (an e-mail address in a cell) is
    external by nature and does no harm: it is never followed and never read.
    """
    found: dict[str, _Relation] = {}

    def on_start(name: str, attributes: dict[str, str]) -> None:
        if name != "Relationship":
            return
        kind = attributes.get("Type", "").rpartition("/")[2]
        external = attributes.get("TargetMode", "").lower() == "external"
        if kind in _MACRO_KINDS:
            raise _macros()
        if kind in _LINK_KINDS or (external and kind != _HYPERLINK):
            raise _external_link()
        target = attributes.get("Target", "")
        part = target[1:] if target.startswith("/") else posixpath.join(folder, target)
        found[attributes.get("Id", "")] = _Relation(kind, posixpath.normpath(part), external)

    parse_xml(xml, on_start)
    return found


def _target(relations: dict[str, _Relation], kind: str) -> str:
    for relation in relations.values():
        if relation.kind == kind and not relation.external:
            return relation.target
    raise _not_a_workbook()


def _optional(archive: GuardedArchive, relations: dict[str, _Relation], kind: str) -> str:
    """The part of that kind, or "" when the workbook has none."""
    for relation in relations.values():
        if relation.kind == kind and relation.target in archive:
            return relation.target
    return ""


def _sheets(xml: bytes, relations: dict[str, _Relation]) -> tuple[list[Sheet], bool]:
    """Worksheets in workbook order, and whether dates count from 1904."""
    sheets: list[Sheet] = []
    epoch_1904 = False

    def on_start(name: str, attributes: dict[str, str]) -> None:
        nonlocal epoch_1904
        if name == "workbookPr":
            epoch_1904 = attributes.get("date1904", "").lower() in ("1", "true", "on")
        elif name == "sheet":
            ids = [value for key, value in attributes.items() if key.rpartition(":")[2] == "id"]
            relation = relations.get(ids[0]) if ids else None
            if relation is not None and relation.kind == _WORKSHEET:
                hidden = attributes.get("state", "visible") != "visible"
                sheets.append(Sheet(attributes.get("name", ""), hidden, relation.target))

    parse_xml(xml, on_start)
    return sheets, epoch_1904


def _choose(sheets: Sequence[Sheet], wanted: str | None) -> Sheet:
    for sheet in sheets:
        if not sheet.hidden and wanted in (None, sheet.name):
            return sheet
    raise TableRefusedError(
        FileReason.NO_VISIBLE_SHEET,
        "The workbook has no visible sheet of that name."
        if wanted is not None
        else "The workbook has no visible sheet.",
    )


def _check_other(name: str, archive: GuardedArchive) -> None:
    """Count a part nobody reads, and refuse what must not be in a file of data at all."""
    folded = name.casefold()
    if "vbaproject" in folded or "/macrosheets/" in folded:
        raise _macros()
    if "/externallinks/" in folded:
        raise _external_link()
    if folded.endswith(".rels"):
        _relations(archive.read(name), "")
    elif folded.endswith((".xml", ".vml")):
        check_prolog(archive.read(name))
    elif archive.skip(name).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<!"):
        raise TableRefusedError(FileReason.DTD, "The file declares a document type (DTD).")


def _check_size(facts: SheetFacts) -> None:
    """Refuse a block the parser would have to hold in memory, before it does."""
    if facts.last_column > MAX_COLUMNS:
        raise TableRefusedError(
            FileReason.TOO_MANY_COLUMNS, f"The sheet uses more than {MAX_COLUMNS} columns."
        )
    too_many_rows = facts.last_row > MAX_ROWS + HEADER_SEARCH_ROWS
    if too_many_rows or facts.last_row * facts.last_column > MAX_CELLS:
        raise TableRefusedError(
            FileReason.TOO_MANY_ROWS,
            f"The sheet has more than {MAX_ROWS} rows or more than {MAX_CELLS} cells.",
        )
    if facts.text_length > MAX_UNPACKED_BYTES:
        raise TableRefusedError(
            FileReason.UNPACKED_TOO_LARGE, "The texts of the sheet are too large together."
        )


_OWN_CONTENT_TYPES: Final = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_RELATIONS_OPEN: Final = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
)
_KIND: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def _relation(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{_KIND}{kind}" Target="{target}"/>'


def _rebuild(sheet: bytes, texts: bytes, styles: bytes, epoch_1904: bool) -> bytes:
    """A minimal workbook of the inspected parts, under names of our own."""
    parts = {
        "xl/worksheets/sheet1.xml": sheet,
        "xl/sharedStrings.xml": texts,
        "xl/styles.xml": styles,
    }
    relations = [_relation(1, "worksheet", "worksheets/sheet1.xml")]
    if texts:
        relations.append(_relation(2, "sharedStrings", "sharedStrings.xml"))
    if styles:
        relations.append(_relation(3, "styles", "styles.xml"))
    workbook = (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f'<workbookPr date1904="{int(epoch_1904)}"/>'
        '<sheets><sheet name="sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_CONTENT_TYPES, _OWN_CONTENT_TYPES)
        archive.writestr(
            _ROOT_RELATIONS,
            f"{_RELATIONS_OPEN}{_relation(1, 'officeDocument', 'xl/workbook.xml')}</Relationships>",
        )
        archive.writestr("xl/workbook.xml", workbook)
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f"{_RELATIONS_OPEN}{''.join(relations)}</Relationships>"
        )
        for name, content in parts.items():
            if content:
                archive.writestr(name, content)
    return output.getvalue()
