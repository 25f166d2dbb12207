"""Papers: real text in Turkish and Greek, embedded fonts, the same bytes every time, small."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pypdf
import pytest

from infra.assets import build
from webkit import pdf
from webkit.assets import AssetsMissingError
from webkit.pdf import Document, KeyValues, Table, Text, render_pdf

TURKISH = "Işıl İnce ğüşıöç ĞÜŞİÖÇ"
GREEK = "Ιωάννης Μαΐου άέήίόύώϊϋΐΰ ΆΈΉΊΌΎΏ ς"


@pytest.fixture(scope="module", autouse=True)
def _fonts() -> None:
    build.build(build.ROOT / "build" / "assets")


def document(rows: int = 30, **changes: object) -> Document:
    values = {
        "title": "Ödeme talimatı",
        "language": "tr",
        "sender": "Deniz Tekstil A.Ş.",
        "subtitle": "Haziran 2026",
        "footer": "Köprü · KM13870",
        "blocks": (
            KeyValues((("Alıcı", "Anadolu Hayat"), ("Tutar", "968,00 TL")), "Havale / EFT"),
            Text("Tek seferde ödenir.", strong=True),
            Table(
                ("Ad soyad", "Poliçe no", "Katkı payı"),
                [(f"{TURKISH} {n}", f"EA-{n:06}", "120,00") for n in range(rows)],
                numeric=frozenset({2}),
                total=("Toplam", "", "968,00"),
                widths=(3, 2, 2),
                title=GREEK,
            ),
        ),
        **changes,
    }
    return Document(**values)  # type: ignore[arg-type]


def read(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def test_every_letter_can_be_read_back() -> None:
    text = "\n".join(page.extract_text() for page in read(render_pdf(document())).pages)
    for piece in (TURKISH, GREEK, "Ödeme talimatı", "968,00 TL", "Köprü · KM13870", "EA-000029"):
        assert piece in text


def test_the_same_document_gives_the_same_bytes_in_any_process() -> None:
    here = render_pdf(document())
    assert render_pdf(document()) == here
    code = (
        "import sys, hashlib; sys.path[:0] = sys.argv[1:];"
        "from webkit.pdf import *;"
        "d = Document('Ödeme', 'tr', 'Deniz', (Text('Işıl Μαΐου'),));"
        "print(hashlib.sha256(render_pdf(d)).hexdigest())"
    )
    common = str(build.ROOT / "layers" / "common")
    runs = {
        subprocess.run(
            [sys.executable, "-c", code, common],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_it_is_titled_in_its_language_and_embeds_its_fonts() -> None:
    reader: Any = read(render_pdf(document()))
    assert reader.metadata is not None
    assert reader.metadata.title == "Ödeme talimatı"
    assert reader.trailer["/Root"]["/Lang"] == "tr"
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    ours = [font for font in fonts if "DejaVu" in font["/BaseFont"]]
    assert ours
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in ours)


def test_a_letter_with_thirty_rows_stays_small() -> None:
    assert len(render_pdf(document(rows=30))) <= 60 * 1024


def test_a_long_table_repeats_its_heading_and_counts_its_pages() -> None:
    pages = [page.extract_text() for page in read(render_pdf(document(rows=120))).pages]
    assert len(pages) > 2
    assert all("Poliçe no" in page for page in pages)
    assert pages[1].rstrip().endswith("2")


def test_names_bring_no_markup_and_nothing_is_fetched() -> None:
    nasty = '<img src="http://canary.example/x.png"/> <b>&amp; </para>'
    content = render_pdf(document(title=nasty, blocks=(Text(nasty), KeyValues(((nasty, nasty),)))))
    text = "".join(read(content).pages[0].extract_text().split())
    assert text.count("canary.example") == 4
    assert b"/URI" not in content


def test_a_ragged_table_is_refused() -> None:
    with pytest.raises(ValueError, match="cells"):
        render_pdf(document(blocks=(Table(("a", "b"), [("1",)]),)))


def test_missing_fonts_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pdf, "FONT_FOLDER", tmp_path)
    with pytest.raises(AssetsMissingError, match="make assets"):
        render_pdf(document())
