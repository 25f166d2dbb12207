"""Letters over the figures of a month, and the mails that are wanted of them (REC-02).

What a letter and a mail are about is their id, so asking twice makes neither of them twice (I-20):
a run that died goes on where it stopped, and so does one that is started again by hand.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from kernel.errors import ConflictError
from kernel.mail_delivery import MailState
from kernel.periods import Period
from kernel.sensitive import Email
from kernel.storing import Position, WriteRefusedError
from kernel.text import fold
from reconciliation.application.attention import letter_attention
from reconciliation.application.context import TRIES, Scope, TryAgainError
from reconciliation.application.figures import ShowFigures
from reconciliation.domain.contact import is_own
from reconciliation.domain.counterparty import Counterparty, CounterpartyState
from reconciliation.domain.figures import Figure, FormFigures
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import (
    ANSWERED,
    CLOSED,
    FIRST,
    MONTHLY,
    WAITS,
    Basis,
    Letter,
    LetterMail,
    LetterState,
    addressee_confirmed,
    closed_as,
    drafted,
    edition_of,
    renewed,
    with_mail,
)
from reconciliation.domain.letter_template import LetterTemplate, TemplateState
from reconciliation.domain.mailing import MailingSettings, last_day_of, next_reminder
from reconciliation.domain.parameters import Key, OwnRows, row_for
from reconciliation.ports import EvidenceFiles, LetterPaper, LetterPdf, ReconciliationUnit

_ROOM: Final = 90
"""Writes of one transaction, a little below what DynamoDB takes."""
_NEW_LETTER: Final = 5
_MAIL: Final = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """How mails are asked for: by whom, and until when they may leave."""

    automatic: bool
    until: date
    at: str


def asked_now(scope: Scope, settings: MailingSettings, *, automatic: bool) -> Asked:
    """Mails asked for at this moment."""
    until = last_day_of(settings, scope.today(), automatic=automatic)
    return Asked(automatic, until, scope.clock.now().isoformat())


def released(templates: Iterable[LetterTemplate]) -> dict[str, LetterTemplate]:
    """The newest released text of each language."""
    found: dict[str, LetterTemplate] = {}
    for template in templates:
        if template.state is TemplateState.APPROVED:
            best = found.get(template.language)
            if best is None or best.version < template.version:
                found[template.language] = template
    return found


def receiver_of(row: Figure, cards: FormFigures) -> Counterparty | None:
    """Who gets the letter over a row: of several cards with one tax number the first that is on the
    list and has an address.
    """
    known = [cards.cards[card] for card in row.cards if card in cards.cards]
    active = [card for card in known if card.state is CounterpartyState.ACTIVE]
    return next((card for card in active if card.reachable), next(iter(active), None))


def wants_letter(row: Figure, basis: Basis, figures: FormFigures) -> bool:
    """Whether a row is reconciled: what the form lists, or what reaches the threshold at all."""
    if basis is Basis.FORM:
        return row.listed
    return row.all_documents.total >= figures.rules.threshold


def queue_mail(
    scope: Scope, unit: ReconciliationUnit, letter: Letter, to: Email, kind: str, asked: Asked
) -> Letter:
    """Ask for a mail that is not there yet; the letter remembers it."""
    mail = LetterMail(
        id=scope.store.letter_mail_id(letter.id, kind, to),
        letter_id=letter.id,
        counterparty_id=letter.counterparty_id,
        period=letter.period,
        kind=kind,
        to=to,
        language=letter.language,
        edition=letter.edition.number,
        automatic=asked.automatic,
        until=asked.until,
        asked_at=asked.at,
        # The sweep gives it its message again, in case the first one is lost.
        next_at=scope.clock.now() + scope.again,
    )
    unit.add_letter_mail(mail)
    unit.enqueue("mail", {"mail_id": mail.id, "letter_id": letter.id})
    return with_mail(letter, mail)


def ask_again(
    scope: Scope, unit: ReconciliationUnit, letter: Letter, mail: LetterMail, asked: Asked
) -> Letter:
    """Put a mail that never left back into the queue."""
    waiting = replace(
        mail,
        state=MailState.QUEUED,
        reason="",
        edition=letter.edition.number,
        automatic=asked.automatic,
        until=asked.until,
        next_at=scope.clock.now() + scope.again,
    )
    unit.save_letter_mail(mail, waiting, "mail.queued_again")
    unit.enqueue("mail", {"mail_id": mail.id, "letter_id": letter.id})
    return with_mail(letter, waiting)


def with_reminder(
    scope: Scope,
    letter: Letter,
    before: LetterMail,
    after: LetterMail,
    settings: MailingSettings | None = None,
) -> Letter:
    """The first mail that is known to have left sets the day of the first reminder."""
    if before.sent_at or not after.sent_at or after.kind != FIRST:
        return letter
    if letter.remind_on or letter.disowned_at:
        return letter
    settings = settings or scope.store.mailing_settings()
    day = next_reminder(settings, scope.today(), letter.reminders, letter.put_off_days)
    return replace(letter, remind_on=day)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What one row needs: its letter as it is stored, if it is, and as it should be."""

    row: Figure
    card: Counterparty
    stored: Letter | None
    template: LetterTemplate
    monthly: tuple[Email, ...] = ()

    @property
    def recipients(self) -> list[tuple[str, Email]]:
        """Kinds of mails and their addresses: those of the books, then who subscribed besides."""
        own = self.card.fields.emails
        more = [(MONTHLY, to) for to in self.monthly if not is_own(to, own)]
        return [*((FIRST, to) for to in own), *more]


class MakeLetters:
    """Letters over the rows of a form, and their first mails.

    Raises: ConflictError("too_much_contention") when others keep writing the same letters;
    TryAgainError when time is short: what is done is done, and the next run goes on.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        period: Period,
        form: Form,
        settings: MailingSettings,
        asked: Asked,
        *,
        only: Collection[str] | None = None,
        job_id: str = "",
        enough_time: Callable[[], bool] = lambda: True,
    ) -> Counter[str]:
        """How many letters were ``drafted``, ``known``, mails ``queued``, letters ``without_text``
        (no released text in their language), ``without_address``, ``outdated`` (sent with other
        figures than the books have now).
        """
        store = self._scope.store
        figures = ShowFigures(self._scope)(period, form)
        texts = released(store.templates())
        counts: Counter[str] = Counter()
        rows = [row for row in figures.figures.rows if wants_letter(row, settings.basis, figures)]
        pending: list[_Wanted] = []
        for start in range(0, len(rows), 100):
            wanted = list(self._wanted(rows[start : start + 100], figures, texts, only, counts))
            monthly = store.subscribers([one.card.id for one in wanted]) if wanted else {}
            pending += [replace(one, monthly=monthly.get(one.card.id, ())) for one in wanted]
        for chunk in _packed(pending):
            if not enough_time():
                raise TryAgainError
            counts += self._chunk(chunk, figures, settings, asked, job_id)
        return counts

    def _wanted(
        self,
        rows: Sequence[Figure],
        figures: FormFigures,
        texts: dict[str, LetterTemplate],
        only: Collection[str] | None,
        counts: Counter[str],
    ) -> Iterator[_Wanted]:
        store = self._scope.store
        ids = {row.cards: self._id(row, figures) for row in rows}
        stored = store.letters(ids.values())
        for row in rows:
            card = receiver_of(row, figures)
            if only is not None and not set(row.cards) & set(only):
                continue
            if card is None:
                counts["removed"] += 1
                continue
            known = stored.get(ids[row.cards])
            language = known.language if known else card.fields.language
            if language not in texts:
                counts["without_text"] += 1
                continue
            if not card.reachable:
                counts["without_address"] += 1
            yield _Wanted(row, card, known, texts[language])

    def _id(self, row: Figure, figures: FormFigures) -> str:
        card = figures.cards.get(row.cards[0])
        merge = card.merge_key if card is not None else row.cards[0]
        return self._scope.store.letter_id(figures.rules.period, figures.form, merge)

    def _chunk(
        self,
        chunk: Sequence[_Wanted],
        figures: FormFigures,
        settings: MailingSettings,
        asked: Asked,
        job_id: str,
    ) -> Counter[str]:
        store = self._scope.store
        for attempt in range(TRIES):
            if attempt:
                ids = [self._id(one.row, figures) for one in chunk]
                now = store.letters(ids)
                chunk = [
                    replace(one, stored=now.get(name)) for one, name in zip(chunk, ids, strict=True)
                ]
            unit = store.unit()
            counts: Counter[str] = Counter()
            mails = self._mails_of(chunk)
            for one in chunk:
                counts += self._one(unit, one, figures, settings, asked, mails)
            if not counts["writes"]:
                return counts
            if job_id:
                unit.advance_job(job_id, {"done": counts["drafted"]})
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            del counts["writes"]
            return counts
        raise ConflictError("too_much_contention", "Others keep writing the same letters.")

    def _mails_of(self, chunk: Sequence[_Wanted]) -> dict[str, LetterMail]:
        known = [mail_id for one in chunk if one.stored for mail_id in one.stored.mails]
        return self._scope.store.letter_mails(known) if known else {}

    def _one(
        self,
        unit: ReconciliationUnit,
        one: _Wanted,
        figures: FormFigures,
        settings: MailingSettings,
        asked: Asked,
        mails: dict[str, LetterMail],
    ) -> Counter[str]:
        scope, counts = self._scope, Counter[str]()
        edition = edition_of(
            one.row,
            settings.basis,
            figures.rules.threshold,
            number=1,
            template=one.template.name,
            at=scope.clock.now(),
        )
        before = one.stored
        if before is None:
            name = self._id(one.row, figures)
            period, form = figures.rules.period, figures.form
            language = one.card.fields.language
            letter = drafted(
                name, period, form, one.row, to=one.card.id, language=language, made=edition
            )
            counts["drafted"] += 1
        else:
            counts["known"] += 1
            if before.state in ANSWERED | CLOSED:
                return counts
            letter = replace(before, counterparty_id=one.card.id, cards=one.row.cards)
            if not before.edition.says_the_same(edition):
                if _has_left(before):
                    counts["outdated"] += 1
                    return counts
                letter = renewed(letter, edition)
        for kind, to in one.recipients:
            mail_id = scope.store.letter_mail_id(letter.id, kind, to)
            mail = mails.get(mail_id)
            if mail is None:
                letter = queue_mail(scope, unit, letter, to, kind, asked)
            elif mail.state is MailState.WITHDRAWN:
                letter = ask_again(scope, unit, letter, mail, asked)
            else:
                continue
            counts["queued"] += 1
        if before is None:
            unit.add_letter(letter)
            counts["writes"] += 1
        elif letter != before:
            unit.save_letter(before, letter, "letter.queued", {"edition": letter.edition.number})
            counts["writes"] += 1
        return counts


def _has_left(letter: Letter) -> bool:
    return letter.delivery not in (LetterState.DRAFT, LetterState.QUEUED) or any(
        mail.state in (MailState.SENDING, MailState.UNKNOWN) for mail in letter.mails.values()
    )


def _packed(wanted: Sequence[_Wanted]) -> Iterator[list[_Wanted]]:
    """Rows whose writes fit one transaction together."""
    chunk: list[_Wanted] = []
    size = 0
    for one in wanted:
        own = _NEW_LETTER + _MAIL * len(one.recipients)
        if chunk and size + own > _ROOM:
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += own
    if chunk:
        yield chunk


def text_id(letter: Letter) -> str:
    """Id of the text a letter was made with."""
    language, _, version = letter.edition.template.removeprefix("babs-").partition("/")
    return f"{language}-{version}"


def paper_of(
    letter: Letter,
    receiver: Counterparty,
    template: LetterTemplate,
    settings: MailingSettings,
    rules: OwnRows,
) -> LetterPaper:
    """Everything a letter says."""
    row = row_for(Key.THRESHOLD, letter.period, rules)
    return LetterPaper(
        letter,
        settings.sender,
        receiver,
        template.text,
        # A company's own value was not verified by anybody we know.
        (row.legal_ref,) if row.legal_ref and row.confirmed else (),
    )


def paper_name(letter: Letter) -> str:
    """Under which name the PDF of an edition is kept."""
    return f"letter-{letter.id}-{letter.edition.number}"


class ShowPaper:
    """The PDF of a letter: the one that was sent, or what would be sent now.

    Raises: NotFoundError; PaperError.
    """

    def __init__(self, scope: Scope, pdf: LetterPdf, files: EvidenceFiles) -> None:
        self._scope = scope
        self._pdf = pdf
        self._files = files

    def __call__(self, letter: Letter) -> bytes:
        if letter.edition.digest:
            return self._files.evidence(paper_name(letter)).content
        store = self._scope.store
        receiver, text = store.receiver_and_text(letter.counterparty_id, text_id(letter))
        paper = paper_of(letter, receiver, text, store.mailing_settings(), store.parameters())
        return self._pdf.render(paper)


class RenewLetter:
    """Take the figures as they are now into a letter that was sent with others, and mail that.

    Raises: NotFoundError; PreconditionFailedError; ConflictError("figures_unchanged" |
    "letter_closed" | "no_address").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, letter_id: str, version: int) -> Letter:
        scope, store = self._scope, self._scope.store
        before = store.letter(letter_id)
        scope.expect(before.stamp.version, version)
        settings = store.mailing_settings()
        figures = ShowFigures(scope)(before.period, before.form)
        row = next(
            (one for one in figures.figures.rows if set(one.cards) & set(before.cards)), None
        )
        texts = released(store.templates())
        if row is None:
            raise ConflictError("figures_unchanged", "There is nothing left to reconcile here.")
        if before.language not in texts:
            raise ConflictError("template_missing", "Release a letter text in this language first.")
        edition = edition_of(
            row,
            settings.basis,
            figures.rules.threshold,
            number=1,
            template=texts[before.language].name,
            at=scope.clock.now(),
        )
        if before.edition.says_the_same(edition):
            raise ConflictError("figures_unchanged", "The letter says what the books say already.")
        letter = renewed(before, edition)
        card = store.counterparties([letter.counterparty_id])[letter.counterparty_id]
        unit = store.unit()
        asked = asked_now(scope, settings, automatic=False)
        kind = f"correction-{letter.edition.number}"
        for to in card.fields.emails:
            letter = queue_mail(scope, unit, letter, to, kind, asked)
        saved = unit.save_letter(
            before, letter, "letter.renewed", {"edition": letter.edition.number}
        )
        self._scope.commit(unit)
        return saved


class WithdrawLetter:
    """Take a letter back: no mail of it leaves any more, and no answer is taken.

    Raises: NotFoundError; PreconditionFailedError; ConflictError("letter_closed").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, letter_id: str, version: int) -> Letter:
        before = self._scope.store.letter(letter_id)
        self._scope.expect(before.stamp.version, version)
        unit = self._scope.store.unit()
        after = closed_as(before, LetterState.WITHDRAWN)
        saved = unit.save_letter(before, after, "letter.withdrawn")
        letter_attention(unit, before, after)
        self._scope.commit(unit)
        return saved


class ConfirmAddressee:
    """Say that a letter goes to the right company, whatever its receiver said; reminders go on.

    A wrong address is changed on the account card first, or the letter is taken back.
    Raises: NotFoundError; PreconditionFailedError; ConflictError("not_disowned").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, letter_id: str, version: int) -> Letter:
        before = self._scope.store.letter(letter_id)
        self._scope.expect(before.stamp.version, version)
        unit = self._scope.store.unit()
        after = addressee_confirmed(before, self._next_reminder(before))
        saved = unit.save_letter(before, after, "letter.addressee_confirmed")
        letter_attention(unit, before, after)
        self._scope.commit(unit)
        return saved

    def _next_reminder(self, letter: Letter) -> date | None:
        """The day the plan says, never before tomorrow."""
        if letter.state not in WAITS:
            return None
        settings = self._scope.store.mailing_settings()
        sent_on = date.fromisoformat(letter.sent_at[:10])
        planned = next_reminder(settings, sent_on, letter.reminders, letter.put_off_days)
        tomorrow = self._scope.today() + timedelta(days=1)
        return None if planned is None else max(planned, tomorrow)


@dataclass(frozen=True, slots=True)
class LetterSearch:
    """Letters of a month; empty texts narrow nothing."""

    period: Period
    state: str = ""
    form: str = ""
    text: str = ""
    counterparty_id: str = ""

    def finds(self, letter: Letter, card: Counterparty | None) -> bool:
        """Whether a letter is meant."""
        wanted = fold(self.text)
        names = (card.fields.title, card.fields.code) if card is not None else ()
        return (
            self.state in ("", letter.state.value)
            and self.form in ("", letter.form.value)
            and self.counterparty_id in ("", *letter.cards)
            and (not wanted or any(wanted in fold(name) for name in names))
        )


class ListLetters:
    """Letters page by page with their account cards; a search goes on until a page is full."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, search: LetterSearch, *, limit: int, after: Position | None
    ) -> tuple[list[tuple[Letter, Counterparty | None]], Position | None]:
        store = self._scope.store
        found: list[tuple[Letter, Counterparty | None]] = []
        while True:
            page, after = store.letter_page(search.period, limit=limit - len(found), after=after)
            cards = store.counterparties({letter.counterparty_id for letter in page})
            for letter in page:
                card = cards.get(letter.counterparty_id)
                if search.finds(letter, card):
                    found.append((letter, card))
            if after is None or len(found) == limit:
                return found, after
