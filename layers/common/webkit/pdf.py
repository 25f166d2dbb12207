"""PDF letters and instructions: a thin layout over ReportLab.

Title, key-value blocks, tables and a footer; nothing else, because that is all our papers need. The
text is real text in an embedded subset of DejaVu (Turkish and Greek), every value is escaped, and
nothing is ever loaded from outside. The same document gives the same bytes.
"""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from webkit.assets import STATIC, AssetsMissingError

FONT_FOLDER: Final = STATIC / "font"
"""Where the asset build puts the fonts; packaged with the layer."""

_REGULAR, _BOLD = "Kopru", "Kopru-Bold"
_FILES: Final = {_REGULAR: "DejaVuSans.ttf", _BOLD: "DejaVuSans-Bold.ttf"}
_MARGIN, _BOTTOM = 50, 64
# ReportLab's frame keeps this distance on each side; tables and lines end where text ends.
_FRAME = 6
_PADDING: Final = 4
_INK, _MUTED, _LINE, _HEAD = "#1d2733", "#556170", "#c3ccd6", "#eef1f4"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; ``strong`` for the one sentence that must not be missed."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class KeyValues:
    """Labelled values, one per line, such as payee, IBAN, amount and reference."""

    rows: tuple[tuple[str, str], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a repeated heading.

    Shapes: every row has as many cells as ``head``; ``numeric`` names the right-aligned columns by
    index; ``total`` is an optional last row in bold; ``widths`` are shares of the page width.
    """

    head: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    total: tuple[str, ...] | None = None
    widths: tuple[int, ...] | None = None
    title: str = ""


Block = Text | KeyValues | Table


@dataclass(frozen=True, slots=True)
class Document:
    """A paper: who writes, what it is, its blocks, and the small print of every page."""

    title: str
    language: str
    sender: str
    blocks: tuple[Block, ...]
    subtitle: str = ""
    footer: str = ""


def render_pdf(document: Document) -> bytes:
    """The document as PDF bytes; equal documents give equal bytes.

    Raises: AssetsMissingError when the fonts were never built; ValueError for a ragged table.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    _register_fonts(FONT_FOLDER)
    buffer = io.BytesIO()
    paper = BaseDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_BOTTOM,
        title=document.title,
        author=document.sender,
        lang=document.language,
        invariant=1,
        pageCompression=1,
    )
    story: list[Any] = _heading(document)
    for block in document.blocks:
        story.extend(_flowables(block, paper.width - 2 * _FRAME))
    # The small print is drawn last, so that readers and search meet the content first.
    page = PageTemplate(
        frames=[Frame(_MARGIN, _BOTTOM, paper.width, paper.height)],
        onPageEnd=functools.partial(_page_frame, document),
    )
    paper.addPageTemplates([page])
    paper.build(story)
    return buffer.getvalue()


@functools.cache
def _register_fonts(folder: Path) -> None:
    """Read the fonts once per process; each document embeds only the glyphs it shows."""
    from reportlab import rl_config
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name, file in _FILES.items():
        path = folder / file
        if not path.is_file():
            raise AssetsMissingError("no font for PDFs: run `make assets`")
        pdfmetrics.registerFont(TTFont(name, str(path)))
    pdfmetrics.registerFontFamily(_REGULAR, normal=_REGULAR, bold=_BOLD)
    # Streams stay binary: as text they are a quarter larger and take longer to write.
    vars(rl_config)["useA85"] = 0


@dataclass(frozen=True, slots=True)
class _Face:
    """How the text of a cell looks; sizes are points."""

    size: int
    bold: bool = False
    colour: str = _INK
    right: bool = False

    @property
    def font(self) -> str:
        return _BOLD if self.bold else _REGULAR

    @property
    def leading(self) -> int:
        return self.size * 14 // 10


@functools.cache
def _style(face: _Face, before: int = 0, after: int = 0) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(
        "kopru",
        fontName=face.font,
        fontSize=face.size,
        leading=face.leading,
        textColor=HexColor(face.colour),
        alignment=2 if face.right else 0,
        spaceBefore=before,
        spaceAfter=after,
    )


def _paragraph(text: str, style: Any) -> Any:
    from reportlab.platypus import Paragraph

    # Escaped, so that a name can bring no markup: ReportLab would fetch an <img src>.
    return Paragraph(escape(text).replace("\n", "<br/>"), style)


def _heading(document: Document) -> list[Any]:
    parts = [
        _paragraph(document.sender, _style(_Face(9, colour=_MUTED), after=6)),
        _paragraph(document.title, _style(_Face(16, bold=True), after=4)),
    ]
    if document.subtitle:
        parts.append(_paragraph(document.subtitle, _style(_Face(10, colour=_MUTED), after=12)))
    return parts


def _flowables(block: Block, width: float) -> list[Any]:
    match block:
        case Text():
            style = _style(_Face(10, bold=block.strong), before=6, after=6)
            return [_paragraph(block.text, style)]
        case KeyValues():
            return [*_block_title(block.title), _key_values(block, width)]
        case Table():
            return [*_block_title(block.title), _table(block, width)]


def _block_title(title: str) -> list[Any]:
    if not title:
        return []
    return [_paragraph(title, _style(_Face(11, bold=True), before=12, after=4))]


def _key_values(block: KeyValues, width: float) -> Any:
    faces = (_Face(9, colour=_MUTED), _Face(10, bold=True))
    rows = [(row, faces) for row in block.rows]
    return _grid(rows, [width * 32 / 100, width * 68 / 100], heads=0)


def _table(block: Table, width: float) -> Any:
    columns = len(block.head)
    rows = [*block.rows, *([block.total] if block.total else [])]
    if any(len(row) != columns for row in rows):
        raise ValueError("every row has as many cells as the heading")
    shares = block.widths or (1,) * columns
    widths = [width * share / sum(shares) for share in shares]

    def faces(size: int, bold: bool, colour: str = _INK) -> tuple[_Face, ...]:
        return tuple(
            _Face(size, bold, colour, right=index in block.numeric) for index in range(columns)
        )

    lines = [(block.head, faces(8, bold=True, colour=_MUTED))]
    body = faces(9, bold=False)
    lines += [(tuple(row), body) for row in block.rows]
    if block.total:
        lines.append((block.total, faces(9, bold=True)))
    return _grid(lines, widths, heads=1)


def _grid(
    rows: Sequence[tuple[tuple[str, ...], tuple[_Face, ...]]], widths: list[float], *, heads: int
) -> Any:
    """Rows of texts, each with its face."""
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import LongTable, TableStyle

    commands: list[tuple[Any, ...]] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(_LINE)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
    ]
    if heads:
        commands.append(("BACKGROUND", (0, 0), (-1, heads - 1), HexColor(_HEAD)))
    cells: list[list[Any]] = []
    for faces, group in itertools.groupby(rows, key=lambda row: row[1]):
        first = len(cells)
        for texts, _ in group:
            line = zip(texts, faces, widths, strict=True)
            cells.append([_cell(text, face, width - 2 * _PADDING) for text, face, width in line])
        for column, face in enumerate(faces):
            area = (column, first), (column, len(cells) - 1)
            commands += [
                ("FONT", *area, face.font, face.size, face.leading),
                ("TEXTCOLOR", *area, HexColor(face.colour)),
                ("ALIGN", *area, "RIGHT" if face.right else "LEFT"),
            ]
    return LongTable(
        cells, colWidths=widths, repeatRows=heads, hAlign="LEFT", style=TableStyle(commands)
    )


def _cell(text: str, face: _Face, width: float) -> Any:
    """Text that is one line as it stands is drawn as it is, at the same place: laying out a
    paragraph takes ten times as long. A paragraph joins blanks, so those decide, too.
    """
    from reportlab.pdfbase.pdfmetrics import stringWidth

    if text == " ".join(text.split()) and stringWidth(text, face.font, face.size) <= width:
        return text
    return _paragraph(text, _style(face))


def _page_frame(document: Document, canvas: Any, _paper: Any) -> None:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A4

    left, right = _MARGIN + _FRAME, A4[0] - _MARGIN - _FRAME
    canvas.saveState()
    canvas.setStrokeColor(HexColor(_LINE))
    canvas.line(left, _BOTTOM - 16, right, _BOTTOM - 16)
    canvas.setFont(_REGULAR, 8)
    canvas.setFillColor(HexColor(_MUTED))
    canvas.drawString(left, _BOTTOM - 30, document.footer)
    canvas.drawRightString(right, _BOTTOM - 30, str(canvas.getPageNumber()))
    canvas.restoreState()
