"""The account of a counterparty: balance, statement, open invoices, e-invoices (REC-04)."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from kernel.errors import NotFoundError, ParseError, Problem, ValidationError
from kernel.files import ExportCell, UploadedFile
from kernel.parsing import parse_date_api
from reconciliation.application.portal_entry import Guest
from reconciliation.bootstrap import application
from reconciliation.domain.account import Statement
from reconciliation.domain.e_invoice import EInvoice
from reconciliation.pages.portal.kit import PortalKit, language_of, use_of
from reconciliation.pages.portal.words import Say
from reconciliation.pages.words import renderer
from toolkit.entrypoints.http import Reply, Request
from toolkit.http.files import file_reply
from webkit.components import Column
from webkit.i18n import mark

_INVOICES: Final = 50
_EXPORT_LINES: Final = 20_000
"""Lines of a file that is written while the reader waits."""

STATEMENT_HEADER: Final = (
    mark("Date"),
    mark("Document"),
    mark("Kind"),
    mark("Due"),
    mark("Debit (you owe)"),
    mark("Credit (in your favour)"),
    mark("Balance"),
)


def declare(kit: PortalKit) -> None:
    """Add the pages of the account."""

    @kit.page("GET", "/portal")
    def show_account(request: Request, guest: Guest) -> Reply:
        """Where the account stands now, and what is not settled."""
        now = use_of(guest).read_account().now(guest.counterparty.id)
        words = renderer().language(language_of(request, guest))
        columns = (
            Column("document", words.text("Document")),
            Column("date", words.text("Date")),
            Column("due", words.text("Due")),
            Column("total", words.text("Total"), numeric=True),
            Column("left", words.text("Open"), numeric=True),
        )
        values = {"now": now, "columns": columns}
        return kit.draw(request, "portal/account.html", values, guest=guest, section="account")

    @kit.page("GET", "/portal/statement")
    def show_statement(request: Request, guest: Guest) -> Reply:
        """The account of a period, from the first of the year unless days are named."""
        first, last, error = _days(request, guest)
        found = None
        if error is None:
            try:
                found = use_of(guest).read_account().between(guest.counterparty.id, first, last)
            except ValidationError as problem:
                error = problem
        words = renderer().language(language_of(request, guest))
        columns = tuple(
            Column(f"c{place}", words.text(title), numeric=place > 3)
            for place, title in enumerate(STATEMENT_HEADER)
        )
        values = {
            "first": request.query.get("first", first.isoformat()),
            "last": request.query.get("last", last.isoformat()),
            "found": found,
            "columns": columns,
        }
        return kit.draw(
            request,
            "portal/statement.html",
            values,
            guest=guest,
            section="statement",
            status=200 if error is None else 422,
            error=error,
        )

    @kit.page("GET", "/portal/statement/file")
    def export_statement(request: Request, guest: Guest) -> Reply:
        """The same as a workbook, a table or a paper: ``format`` is xlsx, csv or pdf."""
        first, last, error = _days(request, guest)
        if error is not None:
            raise error
        found = use_of(guest).read_account().between(guest.counterparty.id, first, last)
        if found.line_count > _EXPORT_LINES:
            problem = Problem("/first", "too_many_lines", "Choose a shorter period.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
        say = Say(renderer().language(language_of(request, guest)))
        wanted = request.query.get("format", "xlsx")
        return file_reply(statement_file(guest, found, say, wanted))

    @kit.page("GET", "/portal/e-invoices")
    def show_invoices(request: Request, guest: Guest) -> Reply:
        """E-invoices of this account, newest first."""
        position = kit.position(request, guest)
        found, following = use_of(guest).store.invoices_of(
            guest.counterparty.id, limit=_INVOICES, after=position
        )
        words = renderer().language(language_of(request, guest))
        columns = (
            Column("number", words.text("Number")),
            Column("date", words.text("Date")),
            Column("direction", words.text("From")),
            Column("net", words.text("Without VAT"), numeric=True),
            Column("payable", words.text("To pay"), numeric=True),
        )
        values = {
            "invoices": found,
            "columns": columns,
            "paging": kit.paging(request, guest, len(found), following),
        }
        return kit.draw(request, "portal/invoices.html", values, guest=guest, section="invoices")

    @kit.page("GET", "/portal/e-invoices/{id}")
    def show_invoice(request: Request, guest: Guest) -> Reply:
        """The neutral view of one e-invoice: no style sheet and nothing else of it is run."""
        values = {"invoice": _invoice(request, guest)}
        return kit.draw(request, "portal/invoice.html", values, guest=guest, section="invoices")


def _invoice(request: Request, guest: Guest) -> EInvoice:
    """Raises: NotFoundError also for an e-invoice of another counterparty."""
    found = use_of(guest).store.invoice(request.id())
    if guest.counterparty.id not in found.counterparty_ids:
        raise NotFoundError("not_found", "There is no such item.")
    return found


def _days(request: Request, guest: Guest) -> tuple[date, date, ValidationError | None]:
    """First and last day asked for; this year until today without a wish."""
    today = use_of(guest).scope.today()
    days = {"first": today.replace(month=1, day=1), "last": today}
    problems: list[Problem] = []
    for name in days:
        if text := request.query.get(name, ""):
            try:
                days[name] = parse_date_api(text)
            except ParseError as error:
                problems.append(Problem(f"/{name}", error.code.lower(), error.message))
    found = None
    if problems:
        message = "Some fields are wrong."
        found = ValidationError("invalid_input", message, problems=problems)
    return days["first"], days["last"], found


def statement_file(guest: Guest, found: Statement, say: Say, wanted: str) -> UploadedFile:
    """A statement as a file. Raises: ValidationError for an unknown format."""
    name = f"{found.first}-{found.last}"
    header = [say.words.text(title) for title in STATEMENT_HEADER]
    if wanted != "pdf":
        return application().table_writer.write(wanted, name, header, _cells(found, say))
    from webkit.pdf import Document, KeyValues, Table, Text, render_pdf

    formats = say.words.formats
    blocks: list[KeyValues | Table | Text] = []
    for one in found.currencies:
        rows = [
            tuple("" if cell is None else formats.value(cell) for cell in row)
            for row in _rows_of(one.currency, found, say)
        ]
        blocks.append(Table(tuple(header), rows, frozenset({4, 5, 6}), title=one.currency))
        balance = say.words.text("Balance on %(day)s", day=formats.date(found.last))
        blocks.append(KeyValues(((balance, formats.money(one.closing)),)))
    blocks.append(Text(say.words.why(found.why)))
    title = say.words.text("Account statement")
    period = f"{formats.date(found.first)} - {formats.date(found.last)}"
    sender = use_of(guest).store.mailing_settings().sender.title
    subtitle = f"{guest.counterparty.fields.title} · {period}"
    paper = Document(title, say.words.code, sender, tuple(blocks), subtitle=subtitle)
    return UploadedFile(render_pdf(paper), "application/pdf", f"{name}.pdf")


def _cells(found: Statement, say: Say) -> Iterator[tuple[ExportCell, ...]]:
    for one in found.currencies:
        yield from _rows_of(one.currency, found, say)


def _rows_of(currency: str, found: Statement, say: Say) -> Iterator[tuple[ExportCell, ...]]:
    (one,) = (each for each in found.currencies if each.currency == currency)
    carried = say.words.text("Balance before")
    yield (found.first, carried, "", None, None, None, one.opening)
    for line in one.lines:
        fields = line.entry.fields
        yield (
            fields.document_date,
            fields.document_no,
            say.kind(fields.kind),
            fields.due_on,
            line.debit,
            line.credit,
            line.balance,
        )
