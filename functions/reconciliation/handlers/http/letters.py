"""Letters: made, mailed, looked at, taken back (REC-02, REC-07)."""

from collections.abc import Iterator
from typing import Final

from kernel.errors import ValidationError
from kernel.files import ExportCell
from kernel.periods import Period
from reconciliation.application.letters import LetterSearch
from reconciliation.application.mail_report import MailSearch
from reconciliation.application.mailings import KIND
from reconciliation.bootstrap import Reconciliation, application
from reconciliation.domain.letter import Letter
from reconciliation.domain.mailing import MailingSettings
from reconciliation.handlers.http.app import (
    BASE,
    app,
    cursor_scope,
    page_reply,
    period_filter,
    period_of,
    position_of,
    say_of,
    use_of,
)
from reconciliation.pages.words import MAILS_HEADER, Say, mail_cells, words_of
from reconciliation.ports import MailLine
from reconciliation.schemas import (
    LetterTextIn,
    MailingIn,
    MailingSettingsIn,
    board_out,
    edition_out,
    letter_out,
    mail_line_out,
    mailing_settings_out,
    template_out,
)
from toolkit.auth import require
from toolkit.entrypoints.http import Reply, Request, accepted, etag
from toolkit.http.files import file_reply

_READ: Final = "reconciliation:letter:read"
_SEND: Final = "reconciliation:letter:send"
_SETTINGS: Final = "reconciliation:mailing:write"
_TEMPLATE: Final = "reconciliation:template:write"
_APPROVE: Final = "reconciliation:template:approve"
_LETTERS: Final = f"{BASE}/letters"
_TEMPLATES: Final = f"{BASE}/letter-templates"
_REPORT: Final = f"{BASE}/reports/mailings"


def _last_month(request: Request) -> Period:
    return Period.of(use_of(request).scope.today()).prev()


# ---------------------------------------------------------------------------- settings, texts


@app.api("GET", f"{BASE}/mailing-settings", permission=_READ)
def show_mailing_settings(request: Request) -> Reply:
    """How letters are mailed and the newest letter texts; version 0 when nobody set anything
    yet.
    """
    return _settings(request, use_of(request).store.mailing_settings())


@app.api("PUT", f"{BASE}/mailing-settings", permission=_SETTINGS)
def save_mailing_settings(request: Request) -> Reply:
    """Change how letters are mailed; the next run follows. A letter text that came along and is
    new becomes a draft, for somebody to release.
    """
    body = request.json(MailingSettingsIn)
    texts = body.texts()
    if texts:
        require(request.principal, _TEMPLATE)
    saved = use_of(request).save_mailing_settings()(
        body.to_domain(), request.expected_version(), texts
    )
    return _settings(request, saved)


def _settings(request: Request, settings: MailingSettings) -> Reply:
    body = mailing_settings_out(settings, use_of(request).store.templates())
    return Reply(body, 200, {"etag": etag(settings.stamp.version)})


@app.api("GET", _TEMPLATES, permission=_READ)
def list_letter_templates(request: Request) -> Reply:
    """All versions of the letter texts, with who released them and when."""
    items = [template_out(one) for one in use_of(request).store.templates()]
    return Reply({"items": items, "next_cursor": None})


@app.api("POST", _TEMPLATES, permission=_TEMPLATE)
def draft_letter_template(request: Request) -> Reply:
    """Write the next version of a letter text; a draft of the language is replaced."""
    body = request.json(LetterTextIn)
    return Reply(
        template_out(use_of(request).draft_template()(body.language, body.to_domain())), 201
    )


@app.api("POST", f"{_TEMPLATES}/{{id}}/approve", permission=_APPROVE)
def approve_letter_template(request: Request) -> Reply:
    """Release a version; letters made from now on use it."""
    return Reply(template_out(use_of(request).approve_template()(request.path_values["id"])))


# ---------------------------------------------------------------------------- mailings


@app.api("POST", f"{BASE}/periods/{{period}}/mailings", permission=_SEND)
def start_mailing(request: Request) -> Reply:
    """Make and mail the letters of a month now; nobody gets the same mail twice."""
    command, period = request.command(), period_of(request)
    body = request.json(MailingIn)
    if problems := body.problems():
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    job_id = use_of(request).start_mailing()(period, body.forms, body.counterparty_ids, command)
    return accepted(job_id, KIND)


@app.api("GET", f"{BASE}/periods/{{period}}/letter-board", permission=_READ)
def show_letter_board(request: Request) -> Reply:
    """How many letters of a month stand where, with their sums, by form."""
    period = period_of(request)
    board = use_of(request).store.letter_board(period)
    return Reply({"period": str(period), "items": board_out(board)})


# ---------------------------------------------------------------------------- letters


def _reply(request: Request, use: Reconciliation, letter: Letter) -> Reply:
    card = use.store.counterparties([letter.counterparty_id]).get(letter.counterparty_id)
    body = letter_out(letter, card, say_of(request))
    return Reply(body, 200, {"etag": etag(letter.stamp.version)})


@app.api("GET", _LETTERS, permission=_READ)
def list_letters(request: Request) -> Reply:
    """Letters of a month (``period``, by default the last one), by form: ``status``, ``form``,
    ``counterparty_id``, ``q`` in code and title.
    """
    query = request.query
    search = LetterSearch(
        period_filter(request, _last_month(request)),
        query.get("status", ""),
        query.get("form", ""),
        query.get("q", ""),
        query.get("counterparty_id", ""),
    )
    scope = cursor_scope(
        request,
        _LETTERS,
        period=str(search.period),
        state=search.state,
        form=search.form,
        q=search.text,
        counterparty_id=search.counterparty_id,
    )
    found, following = use_of(request).list_letters()(
        search, limit=request.limit(), after=position_of(request, scope)
    )
    say = say_of(request)
    return page_reply([letter_out(letter, card, say) for letter, card in found], following, scope)


@app.api("GET", f"{_LETTERS}/{{id}}.pdf", permission=_READ)
def show_letter_pdf(request: Request) -> Reply:
    """The paper: the one that was sent, or what would be sent now."""
    use = use_of(request)
    letter = use.store.letter(request.id())
    name = f"mutabakat-{letter.their_form.value}-{letter.period}.pdf"
    disposition = {"content-disposition": f'inline; filename="{name}"'}
    return Reply(use.show_paper()(letter), 200, disposition, "application/pdf")


@app.api("GET", f"{_LETTERS}/{{id}}", permission=_READ)
def show_letter(request: Request) -> Reply:
    """One letter with its mails and answers."""
    use = use_of(request)
    return _reply(request, use, use.store.letter(request.id()))


@app.api("GET", f"{_LETTERS}/{{id}}/editions", permission=_READ)
def list_letter_editions(request: Request) -> Reply:
    """The figures a letter had, oldest first; the hash of a paper stands on its letter."""
    use, say = use_of(request), say_of(request)
    use.store.letter(request.id())
    items = [edition_out(edition, say) for edition in use.store.editions(request.id())]
    return Reply({"items": items, "next_cursor": None})


@app.api("POST", f"{_LETTERS}/{{id}}/renew", permission=_SEND)
def renew_letter(request: Request) -> Reply:
    """Take the figures as they are now into a letter that was sent with others, and mail that."""
    use = use_of(request)
    return _reply(request, use, use.renew_letter()(request.id(), request.expected_version()))


@app.api("POST", f"{_LETTERS}/{{id}}/withdraw", permission=_SEND)
def withdraw_letter(request: Request) -> Reply:
    """Take a letter back: no mail of it leaves any more, and no answer is taken."""
    use = use_of(request)
    return _reply(request, use, use.withdraw_letter()(request.id(), request.expected_version()))


@app.api("POST", f"{_LETTERS}/{{id}}/confirm-addressee", permission=_SEND)
def confirm_letter_addressee(request: Request) -> Reply:
    """Say that a letter goes to the right company after all; its reminders go on."""
    use = use_of(request)
    return _reply(request, use, use.confirm_addressee()(request.id(), request.expected_version()))


# ---------------------------------------------------------------------------- report


@app.api("GET", _REPORT, permission=_READ)
def report_mailings(request: Request) -> Reply:
    """Mails about a month: address, date, time, amount, documents, delivery; ``status``, ``kind``
    and ``q`` narrow them, ``format`` xlsx or csv gives a file.
    """
    query = request.query
    search = MailSearch(
        period_filter(request, _last_month(request)),
        query.get("status", ""),
        query.get("kind", ""),
        query.get("q", ""),
    )
    use, words = use_of(request), words_of(request)
    if wanted := query.get("format", ""):
        header = [words.text(title) for title in MAILS_HEADER]
        name = f"mailings-{search.period}"
        cells = _cells(use.list_mails().all(search), Say(words))
        return file_reply(application().table_writer.write(wanted, name, header, cells))
    scope = cursor_scope(
        request,
        _REPORT,
        period=str(search.period),
        state=search.state,
        kind=search.kind,
        q=search.text,
    )
    found, following = use.list_mails()(
        search, limit=request.limit(), after=position_of(request, scope)
    )
    return page_reply([mail_line_out(line) for line in found], following, scope)


def _cells(lines: Iterator[MailLine], say: Say) -> Iterator[tuple[ExportCell, ...]]:
    for line in lines:
        yield mail_cells(line, say)
