"""The reconciliation letter on paper (``LetterPdf`` of the ports)."""

from typing import Any

from kernel.identifiers.ledger_party import PartyKind
from kernel.masking import mask_tckn
from kernel.periods import Period
from reconciliation.domain.figures import Part
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Basis
from reconciliation.domain.letter_template import filled
from reconciliation.ports import LetterPaper, PaperError


class ReportLabLetters:
    """``LetterPdf``. ``renderer`` is a ``webkit.render.Renderer`` over our pages."""

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer

    def render(self, paper: LetterPaper) -> bytes:
        """The letter; ReportLab is loaded by whoever renders, and nobody else."""
        from reportlab.platypus.doctemplate import LayoutError

        from webkit.pdf import Document, KeyValues, Table, Text, render_pdf

        words = self._renderer.language(paper.letter.language)
        letter, edition = paper.letter, paper.letter.edition
        places, sender = places_of(paper, words), _sender(paper, words)
        rows = [_figure(words, basis, part, edition.basis) for basis, part in _figures(paper)]
        document = Document(
            title=filled(paper.text.subject, places),
            language=letter.language,
            sender=paper.sender.title,
            subtitle=words.text(
                "Period %(first)s – %(last)s",
                first=words.formats.date(letter.period.first_day),
                last=words.formats.date(letter.period.last_day),
            ),
            blocks=(
                # A company that has not said yet who it is can look at its letters all the same.
                *([KeyValues(sender, words.text("From"))] if sender else []),
                KeyValues(_receiver(paper, words), words.text("To")),
                Text(filled(paper.text.opening, places)),
                Table(
                    (
                        words.text("What is counted"),
                        words.text("Documents"),
                        words.text("Amount without VAT"),
                        words.text("Reconciled here"),
                    ),
                    tuple(rows),
                    numeric=frozenset({1, 2}),
                    widths=(44, 14, 24, 18),
                    title=form_text(words, letter.their_form),
                ),
                Text(
                    words.text(
                        "This letter reconciles: %(what)s.", what=basis_text(words, edition.basis)
                    ),
                    strong=True,
                ),
                Text(filled(paper.text.request, places)),
                *(Text(line) for line in legal_lines(paper, words)),
                KeyValues(
                    (
                        (words.text("Name and date"), " "),
                        (words.text("Signature and stamp"), " \n \n "),
                    ),
                    words.text("For your answer on paper"),
                ),
                *([Text(filled(paper.text.closing, places))] if paper.text.closing else []),
            ),
            footer=f"{letter.id} · {edition.number} · {edition.template}",
        )
        try:
            return render_pdf(document)
        except LayoutError as error:
            raise PaperError("paper_failed", "The letter could not be put on paper.") from error


def form_text(words: Any, their_form: Form) -> str:
    """The receiver's form in the receiver's terms. ``words`` is a ``webkit.i18n.Language``."""
    if their_form is Form.BA:
        return str(words.text("Ba (purchases from us)"))
    return str(words.text("Bs (sales to us)"))


def basis_text(words: Any, basis: Basis) -> str:
    """Which figure it is."""
    if basis is Basis.FORM:
        return str(words.text("documents the form lists (paper documents)"))
    return str(words.text("all documents, paper and electronic"))


def places_of(paper: LetterPaper, words: Any) -> dict[str, str]:
    """What the text may name, in the reader's language."""
    figure = paper.letter.edition.figure
    return {
        "sender": paper.sender.title,
        "receiver": paper.receiver.fields.title,
        "period": period_name(paper.letter.period),
        "their_form": paper.letter.their_form.value.capitalize(),
        "documents": words.formats.number(figure.documents),
        "total": words.formats.money(figure.total),
    }


def period_name(period: Period) -> str:
    """A month as both sides write it, ``01/2026``."""
    return f"{period.month:02d}/{period.year}"


def legal_lines(paper: LetterPaper, words: Any) -> list[str]:
    """References to law: only those that somebody verified reach the paper."""
    if not paper.legal:
        return []
    threshold = words.formats.money(paper.letter.edition.threshold)
    return [
        words.text(
            "Threshold of the form for the month: %(amount)s without VAT (%(source)s).",
            amount=threshold,
            source=", ".join(paper.legal),
        )
    ]


def _figures(paper: LetterPaper) -> tuple[tuple[Basis, Part], ...]:
    edition = paper.letter.edition
    return ((Basis.FORM, edition.form), (Basis.ALL, edition.all_documents))


def _figure(words: Any, basis: Basis, part: Part, chosen: Basis) -> tuple[str, str, str, str]:
    return (
        basis_text(words, basis),
        words.formats.number(part.documents),
        words.formats.money(part.total),
        words.text("yes") if basis is chosen else words.text("for information"),
    )


def _sender(paper: LetterPaper, words: Any) -> tuple[tuple[str, str], ...]:
    sender = paper.sender
    rows = (
        (words.text("Title"), sender.title),
        (words.text("Tax office"), sender.tax_office),
        (words.text("Tax number"), sender.tax_no),
        (words.text("Telephone"), sender.phone),
        (words.text("E-mail"), sender.email),
        (words.text("Address"), sender.address),
    )
    return tuple(row for row in rows if row[1])


def _receiver(paper: LetterPaper, words: Any) -> tuple[tuple[str, str], ...]:
    fields = paper.receiver.fields
    number = fields.party.number
    shown = mask_tckn(number) if fields.party.kind is PartyKind.TCKN else number
    rows = (
        (words.text("Title"), fields.title),
        (words.text("Tax office"), fields.tax_office),
        (words.text("Tax number"), shown),
        (words.text("Code of the account"), fields.code),
    )
    return tuple(row for row in rows if row[1])
