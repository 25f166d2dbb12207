"""What one letter costs in processor time: its PDF, and PDF, text and HTML together.

``python -m bench.letters_cost [--letters 300]`` renders different letters in the three languages in
one process and takes medians. The goals are those of performance.md (P6): at most 60 KiB a paper
and 25 ms for the whole pipeline; ``bench.papers`` compares the page with other libraries.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from kernel.identifiers.ledger_party import LedgerParty, PartyKind
from kernel.money import Money
from kernel.periods import Period
from kernel.sensitive import Email
from reconciliation.adapters.letter_pdf import ReportLabLetters
from reconciliation.adapters.ses_letter_mailer import SesLetterMailer
from reconciliation.bootstrap import PAGES
from reconciliation.domain.counterparty import Counterparty, CounterpartyFields
from reconciliation.domain.figures import Figure, Part
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Basis, LetterMail, drafted, edition_of
from reconciliation.domain.letter_template import STARTING_TEXTS
from reconciliation.domain.mailing import Sender
from reconciliation.ports import LetterPaper
from toolkit.aws.mail import MailService
from webkit.assets import Assets
from webkit.render import Renderer

MAX_KIB: Final = 60
MAX_MS: Final = 25.0
_NOW: Final = datetime(2026, 6, 1, 9, tzinfo=UTC)


def papers(count: int) -> Iterator[LetterPaper]:
    """Letters with different figures, titles and languages."""
    texts = tuple(STARTING_TEXTS.items())
    for number in range(count):
        language, text = texts[number % len(texts)]
        row = Figure(
            (f"c{number}",),
            Part(1 + number, Money(500_000 + number, "TRY")),
            Part(2 + number, Money(900_000 + number, "TRY")),
            True,
            (),
        )
        edition = edition_of(
            row, Basis.FORM, Money(500_000, "TRY"), number=1, template="babs/1", at=_NOW
        )
        letter = drafted(
            f"L{number}",
            Period(2026, 5),
            Form.BS,
            row,
            to=f"c{number}",
            language=language,
            made=edition,
        )
        card = Counterparty(
            f"c{number}",
            CounterpartyFields(
                f"120.{number}",
                f"Çağrı Işık Ψυχή {number} A.Ş.",
                LedgerParty(PartyKind.VKN, "1234567890"),
                "Şişli",
                language=language,
            ),
        )
        sender = Sender("Kuzey Çelik Sanayi A.Ş.", "1234567890", "Kadıköy")
        yield LetterPaper(letter, sender, card, text, ("VUK GT 396",))


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of one letter in milliseconds, the largest PDF in bytes, and whether the same letter
    gives the same bytes.
    """

    paper_ms: float
    whole_ms: float
    largest: int
    same: bool


def cost(count: int) -> Cost:
    """Write ``count`` letters and measure each."""
    renderer = Renderer.for_pages(PAGES, assets=Assets({}))
    pdf = ReportLabLetters(renderer)
    mailer = SesLetterMailer(MailService(lambda: None, "", ""), renderer)
    paper_ms, whole_ms, largest = [], [], 0
    for number, paper in enumerate(papers(count)):
        started = time.process_time()
        content = pdf.render(paper)
        rendered = time.process_time()
        mail = LetterMail(
            id=f"M{number}",
            letter_id=paper.letter.id,
            counterparty_id=paper.receiver.id,
            period=paper.letter.period,
            kind="letter",
            to=Email("a@b.example"),
            language=paper.letter.language,
            edition=1,
            automatic=True,
            until=date(2026, 6, 10),
            asked_at="",
        )
        mailer.write(mail, paper, "https://kopru.example/r/x")
        paper_ms.append(1_000 * (rendered - started))
        whole_ms.append(1_000 * (time.process_time() - started))
        largest = max(largest, len(content))
    same = pdf.render(next(papers(1))) == pdf.render(next(papers(1)))
    return Cost(statistics.median(paper_ms), statistics.median(whole_ms), largest, same)


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.letters_cost")
    parser.add_argument("--letters", type=int, default=300)
    found = cost(parser.parse_args(arguments).letters)
    print(f"a letter: PDF {found.paper_ms:.1f} ms, with mail {found.whole_ms:.1f} ms")
    print(f"largest PDF {found.largest / 1024:.1f} KiB; equal bytes again: {found.same}")
    fits = found.whole_ms <= MAX_MS and found.largest <= MAX_KIB * 1024
    return 0 if found.same and fits else 1


if __name__ == "__main__":
    sys.exit(main())
