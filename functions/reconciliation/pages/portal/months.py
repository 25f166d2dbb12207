"""Months to reconcile: the letter, its paper, and the answer; by session or by the letter's link.

GET only shows; an answer is a form that is sent (S24). Both ways draw the same form.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from kernel.errors import (
    ConflictError,
    KopruError,
    NotFoundError,
    ParseError,
    Problem,
    TooManyRequestsError,
    ValidationError,
)
from kernel.files import ExportCell, UploadedFile
from kernel.ids import is_id
from kernel.money import Money
from kernel.parsing import parse_amount_tr
from kernel.sensitive import Secret
from reconciliation.application.answers import latest_first
from reconciliation.application.portal_entry import LINK_LIMIT, LINK_WINDOW, Guest
from reconciliation.bootstrap import application
from reconciliation.domain.answer import AnswerFields, Channel, Said, Source
from reconciliation.domain.letter import Letter
from reconciliation.domain.parameters import HOME
from reconciliation.domain.visit import Visit, judge
from reconciliation.pages.portal.kit import (
    PortalKit,
    check_token,
    go,
    language_of,
    status_of,
    use_of,
)
from reconciliation.pages.portal.words import Say
from reconciliation.pages.words import renderer
from toolkit.entrypoints.http import Reply, Request
from toolkit.http.files import file_reply
from webkit.components import Column
from webkit.i18n import Language

_AGENT: Final = 200
_FILES: Final = 60
"""Files of one letter that its link gives in an hour: people save twice, machines do not stop."""


def declare(kit: PortalKit) -> None:
    """Add the pages of months and letters."""

    @kit.page("GET", "/portal/months")
    def show_months(request: Request, guest: Guest) -> Reply:
        """Every month that was to be reconciled, newest first."""
        words = renderer().language(language_of(request, guest))
        columns = (
            Column("month", words.text("Month")),
            Column("form", words.text("About")),
            Column("documents", words.text("Documents"), numeric=True),
            Column("total", words.text("Without VAT"), numeric=True),
            Column("state", words.text("State")),
        )
        values = {"letters": use_of(guest).read_months()(guest.counterparty), "columns": columns}
        return kit.draw(request, "portal/months.html", values, guest=guest, section="months")

    @kit.page("GET", "/portal/months/{id}")
    def show_month(request: Request, guest: Guest) -> Reply:
        """One letter, with what was answered."""
        letter = use_of(guest).read_months().one(guest.counterparty, request.id())
        return _month(kit, request, guest, letter)

    @kit.page("POST", "/portal/months/{id}/answer")
    def answer_month(request: Request, guest: Guest) -> Reply:
        """Agree or not."""
        letter = use_of(guest).read_months().one(guest.counterparty, request.id())
        back = f"/portal/months/{letter.id}"
        return _answer(kit, request, guest, letter, Channel.PORTAL, back)

    @kit.page("GET", "/portal/months/{id}/letter.pdf")
    def show_paper(request: Request, guest: Guest) -> Reply:
        """The letter as it was sent, or as it would be sent now."""
        letter = use_of(guest).read_months().one(guest.counterparty, request.id())
        return file_reply(_paper(guest, letter))

    @kit.public("GET", "/r/{token}")
    def show_letter(request: Request) -> Reply:
        """The letter behind the link of a mail; opening it changes nothing."""

        def visit(letter: Letter) -> Visit:
            sent = datetime.fromisoformat(letter.sent_at) if letter.sent_at else None
            now = application().platform.clock.now()
            return judge(now, headers=request.headers, mailed_at=sent)

        token = Secret(request.path_values["token"])
        try:
            opened = application().portal.open_letter()(token, visit)
        except NotFoundError as error:
            return kit.draw(request, "portal/dead_letter.html", status=404, error=error)
        return _month(kit, request, opened.guest, opened.letter)

    def file_of(request: Request, write: Callable[[Guest, Letter], UploadedFile]) -> Reply:
        """A file of the letter behind a link; GET only reads, at most sixty an hour."""
        try:
            opened = application().portal.open_letter()(Secret(request.path_values["token"]))
        except NotFoundError as error:
            return kit.draw(request, "portal/dead_letter.html", status=404, error=error)
        guest, letter = opened.guest, opened.letter
        try:
            throttle = application().portal.throttle
            throttle.hit("letter-file", letter.id, limit=_FILES, window_seconds=LINK_WINDOW)
        except TooManyRequestsError as error:
            return _month(kit, request, guest, letter, error=error)
        return file_reply(write(guest, letter))

    @kit.public("GET", "/r/{token}/letter.pdf")
    def show_linked_paper(request: Request) -> Reply:
        """The PDF of the letter behind the link of a mail."""
        return file_of(request, _paper)

    @kit.public("GET", "/r/{token}/letter.xlsx")
    def show_linked_figures(request: Request) -> Reply:
        """The figures of the letter behind the link of a mail, as a spreadsheet."""
        words = renderer().language(language_of(request))
        return file_of(request, lambda guest, letter: _figures(guest, letter, words))

    @kit.public("POST", "/r/{token}")
    def answer_letter(request: Request) -> Reply:
        """Answer by the link of a mail; at most ten times an hour."""
        token = Secret(request.path_values["token"])
        try:
            opened = application().portal.open_letter()(token)
        except NotFoundError as error:
            return kit.draw(request, "portal/dead_letter.html", status=404, error=error)
        guest, letter = opened.guest, opened.letter
        check_token(request, f"letter:{letter.id}")
        try:
            throttle = application().portal.throttle
            throttle.hit("letter", letter.id, limit=LINK_LIMIT, window_seconds=LINK_WINDOW)
        except TooManyRequestsError as error:
            return _month(kit, request, guest, letter, error=error)
        return _answer(kit, request, guest, letter, Channel.LINK, request.path)


def _paper(guest: Guest, letter: Letter) -> UploadedFile:
    """The letter as it was sent, or as it would be sent now."""
    name = f"mutabakat-{letter.their_form.value}-{letter.period}.pdf"
    return UploadedFile(use_of(guest).show_paper()(letter), "application/pdf", name)


def _figures(guest: Guest, letter: Letter, words: Language) -> UploadedFile:
    """What the letter states, and nothing of the account behind it."""
    say, edition = Say(words), letter.edition
    rows: list[tuple[ExportCell, ...]] = [
        (words.text("The company"), use_of(guest).store.mailing_settings().sender.title),
        (words.text("Counterparty"), guest.counterparty.fields.title),
        (words.text("Month"), str(letter.period)),
        (words.text("About"), say.their_form(letter.their_form)),
        (words.text("What is counted"), say.basis(edition.basis)),
        (words.text("Documents"), edition.figure.documents),
        (words.text("Without VAT"), edition.figure.total),
        (words.text("State"), say.month(letter.state).label),
    ]
    header = [words.text("Figure"), words.text("Value")]
    name = f"mutabakat-{letter.their_form.value}-{letter.period}"
    return application().table_writer.write("xlsx", name, header, iter(rows))


def _month(
    kit: PortalKit,
    request: Request,
    guest: Guest,
    letter: Letter,
    *,
    form: Mapping[str, str] | None = None,
    error: KopruError | None = None,
) -> Reply:
    answers = latest_first(use_of(guest).store.answers_of(letter.id))
    if guest.session is None:
        # A forwarded link shows its letter and nothing that was said elsewhere.
        answers = [one for one in answers if one.source.channel is Channel.LINK]
    typed = {"name": "", "note": "", "their_count": "", "their_total": "", "said": ""}
    values: dict[str, Any] = {
        "letter": letter,
        "figure": letter.edition.figure,
        "form": {**typed, **(form or {})},
        "answers": answers,
        "answer_id": application().platform.ids.new(),
        "action": f"/portal/months/{letter.id}/answer" if guest.session else _link_of(request),
        "files": f"/portal/months/{letter.id}" if guest.session else _link_of(request),
        "is_open": letter.closed is None,
        "done": request.query.get("answered", ""),
    }
    status = 200
    if error is not None:
        status = 409 if isinstance(error, ConflictError) else status_of(error)
    template = "portal/month.html"
    return kit.draw(
        request,
        template,
        values,
        guest=guest,
        section="months",
        status=status,
        error=error,
        bound=f"letter:{letter.id}",
    )


def _link_of(request: Request) -> str:
    """Path of the letter's own page, also when one of its files was asked for."""
    return f"/r/{request.path_values['token']}"


def _answer(
    kit: PortalKit, request: Request, guest: Guest, letter: Letter, channel: Channel, back: str
) -> Reply:
    form = request.form()
    source = Source(channel, request.source_ip, request.headers.get("user-agent", "")[:_AGENT])
    try:
        fields = _fields(form)
        answer_id = form.get("answer_id", "")
        edition = form.get("edition", "")
        if not is_id(answer_id) or not (edition.isascii() and edition.isdigit()):
            raise ConflictError("letter_outdated", "Look at the figures again.")
        use_of(guest).give_answer()(
            letter,
            guest.counterparty.id,
            fields,
            source,
            answer_id=answer_id,
            edition=int(edition[:9]),
        )
    except (ValidationError, ConflictError) as error:
        return _month(kit, request, guest, letter, form=form, error=error)
    return go(back, answered=fields.said.value)


def _fields(form: Mapping[str, str]) -> AnswerFields:
    """What was filled in. Raises: ValidationError with everything that cannot be read."""
    problems: list[Problem] = []
    said = form.get("said", "")
    if said not in set(Said):
        problems.append(Problem("/said", "required", "Choose an answer."))
    count_text = form.get("their_count", "").strip()
    count = None
    if count_text:
        if count_text.isascii() and count_text.isdigit() and len(count_text) <= 6:
            count = int(count_text)
        else:
            problems.append(Problem("/their_count", "range", "A count is 0 or more."))
    total: Money | None = None
    if total_text := form.get("their_total", "").strip():
        try:
            total = parse_amount_tr(total_text, HOME)
        except ParseError as error:
            problems.append(Problem("/their_total", error.code.lower(), error.message))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return AnswerFields(Said(said), form.get("name", ""), form.get("note", ""), count, total)
