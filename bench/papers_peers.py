"""The peers' half of ``bench.papers``; it runs in their environment and imports nothing of ours.

Shapes: the page as JSON on standard input, ``{name: {seconds, bytes} | {why}}`` on standard output.
"""

from __future__ import annotations

import html
import importlib
import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Final

ROUNDS: Final = 5


def markup(page: dict[str, Any]) -> str:
    """The page as HTML, for the libraries that take it."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in page["rows"]
    )
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in page["header"])
    text = "".join(f"<p>{html.escape(each)}</p>" for each in page["text"])
    face = f"@font-face {{ font-family: Paper; src: url('{page['font']}') }}"
    return (
        f"<html><head><meta charset='utf-8'><style>{face} body {{ font-family: Paper; "
        f"font-size: 9pt }}</style></head><body><h1>{html.escape(page['title'])}</h1>{text}"
        f"<table><tr>{head}</tr>{rows}</table></body></html>"
    )


def weasyprint(page: dict[str, Any]) -> bytes:
    """HTML and CSS over Pango."""
    library = importlib.import_module("weasyprint")
    made: bytes = library.HTML(string=markup(page), base_url="/").write_pdf()
    return made


def xhtml2pdf(page: dict[str, Any]) -> bytes:
    """HTML over ReportLab."""
    library = importlib.import_module("xhtml2pdf.pisa")
    output = io.BytesIO()
    if library.CreatePDF(markup(page), dest=output, encoding="utf-8").err:
        raise ValueError("xhtml2pdf reports an error")
    return output.getvalue()


def fpdf2(page: dict[str, Any]) -> bytes:
    """Drawing calls."""
    paper = importlib.import_module("fpdf").FPDF()
    paper.add_font("Paper", "", page["font"])
    paper.set_font("Paper", size=9)
    paper.add_page()
    paper.multi_cell(0, 8, page["title"], new_x="LMARGIN", new_y="NEXT")
    for each in page["text"]:
        paper.multi_cell(0, 5, each, new_x="LMARGIN", new_y="NEXT")
    with paper.table(first_row_as_headings=False) as table:
        for cells in (page["header"], *page["rows"]):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    return bytes(paper.output())


PEERS: Final[dict[str, Callable[[dict[str, Any]], bytes]]] = {
    "WeasyPrint": weasyprint,
    "fpdf2": fpdf2,
    "xhtml2pdf": xhtml2pdf,
}


def shows(content: bytes, page: dict[str, Any]) -> bool:
    """Whether the words can be read back."""
    reader = importlib.import_module("pypdf").PdfReader(io.BytesIO(content))
    text = "".join("".join(each.extract_text().split()) for each in reader.pages)
    return all("".join(cell.split()) in text for cell in page["rows"][-1])


def main() -> None:
    """Measure what there is."""
    page = json.loads(sys.stdin.buffer.read())
    found: dict[str, dict[str, Any]] = {}
    for name, draw in PEERS.items():
        try:
            content = draw(page)
        except (ImportError, OSError) as error:
            found[name] = {"why": f"not here: {type(error).__name__}"}
            continue
        if not shows(content, page):
            found[name] = {"why": "its text cannot be read back"}
            continue
        taken = []
        for _ in range(ROUNDS):
            started = time.process_time()
            draw(page)
            taken.append(time.process_time() - started)
        found[name] = {"seconds": statistics.median(taken), "bytes": len(content)}
    sys.stdout.write(f"\n{json.dumps(found)}\n")


if __name__ == "__main__":
    main()
