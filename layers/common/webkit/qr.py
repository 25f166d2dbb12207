"""A text as a QR picture (SVG), for what a telephone shall read from a screen.

The modules come from reportlab, which is here for PDFs anyway; only the drawing is ours, because
its own carries style attributes that the content security policy forbids.
"""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

_QUIET: Final = 4
_SCALE: Final = 5
_SVG: Final = Markup(
    '<svg class="hub-qr" role="img" aria-label="{title}" viewBox="0 0 {size} {size}" '
    'width="{pixels}" height="{pixels}" shape-rendering="crispEdges" focusable="false">'
    "<title>{title}</title>"
    '<rect width="{size}" height="{size}" fill="#fff"/><path fill="#000" d="{path}"/></svg>'
)


def qr_modules(text: str) -> list[list[bool]]:
    """The dark and light modules of a code, row by row, with medium error correction."""
    # Imported here: it takes a third of a second, and few pages draw a code.
    from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    size = range(code.getModuleCount())
    return [[bool(code.isDark(row, column)) for column in size] for row in size]


def qr_svg(text: str, title: str) -> Markup:
    """The picture: black on white in every theme, with the margin readers need."""
    rows = qr_modules(text)
    size = len(rows) + 2 * _QUIET
    path = "".join(
        f"M{column + _QUIET} {row + _QUIET}h1v1h-1z"
        for row, line in enumerate(rows)
        for column, dark in enumerate(line)
        if dark
    )
    return _SVG.format(title=title, size=size, pixels=size * _SCALE, path=path)
