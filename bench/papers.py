"""Letters as PDF: ours against WeasyPrint, fpdf2 and xhtml2pdf, and the whole pipeline (P6).

Every library draws the same page: a title, two paragraphs and a table of 30 rows in Turkish and
Greek, with the font that our letters embed. The text is read back from each before anything is
timed. The measuring half of the peers runs in their own environment; what has no wheels for this
machine is named and left out.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any, Final

from bench import peers
from bench.frame import ROOT, Report, alternating
from bench.letters_cost import MAX_KIB, MAX_MS, cost
from webkit.pdf import FONT_FOLDER, Block, Document, Table, Text, render_pdf

ROWS: Final = 30
TITLE: Final = "Mutabakat mektubu · Επιστολή συμφωνίας"
TEXT: Final = (
    "Sayın Çağrı Işık Güneş Öğüt, kayıtlarımızdaki bakiye aşağıdadır; onayınızı rica ederiz.",
    "Αγαπητή κυρία Ψυχή Ξανθού, το υπόλοιπο των βιβλίων μας είναι το παρακάτω.",
)
HEADER: Final = ("Belge", "Tarih", "Açıklama", "Tutar")
GOALS: Final[dict[str, float | None]] = {"WeasyPrint": 10.0, "fpdf2": 5.0, "xhtml2pdf": None}


def page() -> dict[str, Any]:
    """What is drawn."""
    rows = [
        [f"FTR-{n:04d}", f"{n % 28 + 1:02d}.05.2026", "Şişe, kâğıt · γυαλί", f"{n * 137 % 999},50"]
        for n in range(ROWS)
    ]
    return {
        "title": TITLE,
        "text": TEXT,
        "header": HEADER,
        "rows": rows,
        "font": str(FONT_FOLDER / "DejaVuSans.ttf"),
    }


def measure(report: Report) -> None:
    """P6."""
    drawn = page()
    content = ours(drawn)
    report.add(
        "P6",
        f"one page, {ROWS} rows, Turkish and Greek: size",
        f"{len(content) / 1024:.1f} KiB",
        goal=f"at most {MAX_KIB} KiB",
        holds=len(content) <= MAX_KIB * 1024,
    )
    (mine,) = alternating(lambda: ours(drawn))
    for name, taken, why in _peers(drawn):
        least = GOALS[name]
        if taken is None:
            report.add("P6", f"PDF against {name}", "not measured", peer=why, holds=None)
            continue
        faster = taken / mine
        report.add(
            "P6",
            f"PDF against {name}",
            f"{mine * 1e3:.1f} ms, {faster:.1f} x faster",
            peer=f"{name} {taken * 1e3:.1f} ms",
            goal=f"at least {least:g} x faster" if least else "",
            holds=faster >= least if least else None,
        )
    letters = cost(60)
    report.add(
        "P6",
        "letter and mail, the whole pipeline",
        f"{letters.whole_ms:.1f} ms, largest PDF {letters.largest / 1024:.1f} KiB",
        goal=f"at most {MAX_MS:g} ms and {MAX_KIB} KiB, equal bytes for the equal letter",
        holds=letters.same and letters.whole_ms <= MAX_MS and letters.largest <= MAX_KIB * 1024,
    )


def ours(drawn: dict[str, Any]) -> bytes:
    """The page on our own layout."""
    table = Table(tuple(drawn["header"]), drawn["rows"], numeric=frozenset({3}))
    blocks: tuple[Block, ...] = (*(Text(each) for each in drawn["text"]), table)
    return render_pdf(Document(drawn["title"], "tr", "Köprü", blocks))


def _peers(drawn: dict[str, Any]) -> list[tuple[str, float | None, str]]:
    """Name, seconds a page or None, and why not."""
    if not peers.installed():
        return [(name, None, "no peers on this machine") for name in GOALS]
    done = subprocess.run(
        [str(peers.PYTHON), str(ROOT / "bench" / "papers_peers.py")],
        input=json.dumps(drawn).encode(),
        capture_output=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return [(name, each.get("seconds"), each.get("why", "")) for name, each in found.items()]
