"""The reconciliation letter (*mutabakat mektubu*): one per counterparty, period and form.

A letter is one row of a form, said to the other side in its own terms. Its figures are snapshots,
called editions: a reply is bound to the edition that was shown (L9), and a corrected figure makes
a new edition beside the old one. What became of its mails and what was answered decides its state;
that state is computed, so that reports in any order end the same (I-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError, Problem, ValidationError
from kernel.mail_delivery import MailDelivery, MailState
from kernel.money import Money
from kernel.periods import Period
from kernel.sensitive import Email
from kernel.stamp import NEW, Stamp
from kernel.why import Why
from reconciliation.domain.figures import Figure, Part
from reconciliation.domain.ledger import Form


class LetterState(StrEnum):
    """Where a letter stands, in the words of the API.

    ``DRAFT``: its figures are fixed and no mail was asked for (a counterparty without an address
    stays here). ``QUEUED``: a mail waits, is on its way, or nobody knows whether it left.
    ``BOUNCED``: no address took it. ``EXPIRED``: the time for an answer is over. ``WITHDRAWN``: a
    person took it back.
    """

    DRAFT = "draft"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    OPENED = "opened"
    AGREED = "agreed"
    DISAGREED = "disagreed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


LATER_DAYS: Final = 7
"""Days for which nobody is reminded who asked to be asked later."""
ANSWERED: Final = frozenset({LetterState.AGREED, LetterState.DISAGREED})
CLOSED: Final = frozenset({LetterState.EXPIRED, LetterState.WITHDRAWN})
WAITS: Final = frozenset({LetterState.SENT, LetterState.DELIVERED, LetterState.OPENED})
"""A mail arrived somewhere, and an answer is waited for."""


class Basis(StrEnum):
    """Which figure a letter reconciles; two companies that compare different ones never agree.

    ``FORM``: documents the form can list (since July 2021 the paper ones); ``ALL``: every document.
    """

    FORM = "form"
    ALL = "all"


class Outcome(StrEnum):
    """What the other side answered."""

    AGREED = "agreed"
    DISAGREED = "disagreed"


def their_form(form: Form) -> Form:
    """The form of the receiver: our sales are their purchases."""
    return Form.BA if form is Form.BS else Form.BS


@dataclass(frozen=True, slots=True)
class Edition:
    """The figures of a letter as they were at one moment; never changed afterwards.

    Units: exact sums without VAT in lira. Shapes: ``number`` counts from 1; ``digest`` is the
    SHA-256 of the PDF in hexadecimal, empty until the paper was made; ``template`` names the
    letter text, ``<key>/<version>``.
    """

    number: int
    basis: Basis
    form: Part
    all_documents: Part
    listed: bool
    threshold: Money
    template: str
    made_at: str
    why: tuple[Why, ...] = ()
    digest: str = ""

    @property
    def figure(self) -> Part:
        """What is to be confirmed."""
        return self.form if self.basis is Basis.FORM else self.all_documents

    def says_the_same(self, other: Edition) -> bool:
        """Whether both state the same figures."""
        return (self.basis, self.form, self.all_documents, self.listed) == (
            other.basis,
            other.form,
            other.all_documents,
            other.listed,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side said of one edition.

    Shapes: ``edition`` is the number that was shown; ``channel`` is ``link``, ``portal`` or
    ``staff``; ``evidence`` names rows of who answered from where, kept beside the letter; ``name``
    and ``note`` are the other side's words.
    """

    outcome: Outcome
    edition: int
    at: str
    channel: str
    name: str = field(repr=False)
    note: str = field(default="", repr=False)
    their_count: int | None = None
    their_total: Money | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class SentMail:
    """One mail of a letter as the letter remembers it. Shapes: ``to`` is masked."""

    kind: str
    to: str
    state: MailState
    sent_at: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as it is stored.

    Shapes: ``form`` is ours (``bs`` when we sold); ``counterparty_id`` is the account card that
    gets it, ``cards`` all cards with its tax number; ``mails`` by mail id; ``closed`` is set when
    it expired or was withdrawn; ``remind_on`` is the day of the next reminder, ``put_off_days`` how
    far the receiver moved the plan of reminders; ``disowned_at`` is when its receiver said that it
    is not the company meant, empty once a person looked; ``replies`` are all answers, the latest
    last.
    """

    id: str
    period: Period
    form: Form
    counterparty_id: str
    cards: tuple[str, ...]
    language: str
    edition: Edition
    mails: Mapping[str, SentMail] = field(default_factory=dict)
    replies: tuple[Reply, ...] = ()
    closed: LetterState | None = None
    reminders: int = 0
    remind_on: date | None = None
    put_off_days: int = 0
    disowned_at: str = ""
    stamp: Stamp = NEW

    @property
    def reply(self) -> Reply | None:
        """The answer that counts: the latest one."""
        return self.replies[-1] if self.replies else None

    @property
    def answered_this_edition(self) -> bool:
        """Whether the latest answer is about the figures as they are now."""
        return self.reply is not None and self.reply.edition == self.edition.number

    @property
    def state(self) -> LetterState:
        """Computed from what was answered, what closed it and what became of its mails."""
        if self.reply is not None and self.answered_this_edition:
            return LetterState(self.reply.outcome.value)
        return self.closed or self.delivery

    @property
    def delivery(self) -> LetterState:
        """The best that became of its mails."""
        seen = {mail.state for mail in self.mails.values()}
        for states, state in _BEST:
            if seen & states:
                return state
        return LetterState.DRAFT

    @property
    def sent_to(self) -> tuple[str, ...]:
        """Addresses it left for, masked, in the order of their mails."""
        left = (mail.to for mail in self.mails.values() if mail.sent_at)
        return tuple(dict.fromkeys(left))

    @property
    def sent_at(self) -> str:
        """When its first mail left; empty when none did."""
        return min((mail.sent_at for mail in self.mails.values() if mail.sent_at), default="")

    @property
    def their_form(self) -> Form:
        """The form of the receiver."""
        return their_form(self.form)


_BEST: Final[tuple[tuple[frozenset[MailState], LetterState], ...]] = (
    (frozenset({MailState.OPENED}), LetterState.OPENED),
    (frozenset({MailState.DELIVERED}), LetterState.DELIVERED),
    (frozenset({MailState.SENT}), LetterState.SENT),
    (frozenset({MailState.QUEUED, MailState.SENDING, MailState.UNKNOWN}), LetterState.QUEUED),
    (
        frozenset(
            {
                MailState.BOUNCED,
                MailState.COMPLAINED,
                MailState.REFUSED,
                MailState.SUPPRESSED,
            }
        ),
        LetterState.BOUNCED,
    ),
)


@dataclass(frozen=True, slots=True)
class LetterMail(MailDelivery):
    """One mail of a letter to one address.

    Shapes: its id is made of letter, kind and address, so the same mail cannot be there twice
    (I-20). ``kind`` is ``letter``, ``reminder-<n>``, ``correction-<edition>`` or ``copy-<id>``;
    ``automatic`` mails leave in the company's window only, others until ``until``; ``resends``
    counts repetitions: an unknown outcome allows one by itself; ``note`` is what a person wrote
    who decided about it.
    """

    id: str
    letter_id: str
    counterparty_id: str
    period: Period
    kind: str
    to: Email
    language: str
    edition: int
    automatic: bool
    until: date
    asked_at: str
    sent_at: str = ""
    resends: int = 0
    note: str = field(default="", repr=False)
    stamp: Stamp = NEW

    def left_by(self, at: str) -> LetterMail:
        """The mail that is known to have left, at the latest at ``at``; a refused one never did."""
        if self.sent_at or self.state is MailState.REFUSED:
            return self
        return replace(self, sent_at=at)


FIRST: Final = "letter"
MONTHLY: Final = "subscription"
MAX_RESENDS: Final = 1


def drafted(
    letter_id: str,
    period: Period,
    form: Form,
    row: Figure,
    *,
    to: str,
    language: str,
    made: Edition,
) -> Letter:
    """A letter over one row of a form, for the account card ``to``."""
    return Letter(letter_id, period, form, to, row.cards, language, made)


def edition_of(
    row: Figure, basis: Basis, threshold: Money, *, number: int, template: str, at: datetime
) -> Edition:
    """The figures of a row as they are now."""
    return Edition(
        number,
        basis,
        row.form,
        row.all_documents,
        row.listed,
        threshold,
        template,
        at.isoformat(),
        row.why,
    )


def renewed(letter: Letter, edition: Edition) -> Letter:
    """The letter with the figures as they are now; what was answered before stays readable.

    Raises: ConflictError("letter_closed").
    """
    if letter.closed is LetterState.WITHDRAWN:
        raise _closed()
    return replace(letter, edition=replace(edition, number=letter.edition.number + 1))


def with_paper(letter: Letter, digest: str) -> Letter:
    """The letter whose PDF was made."""
    return replace(letter, edition=replace(letter.edition, digest=digest))


def with_mail(letter: Letter, mail: LetterMail) -> Letter:
    """The letter that knows where one of its mails stands."""
    remembered = SentMail(mail.kind, str(mail.to), mail.state, mail.sent_at)
    return replace(letter, mails={**letter.mails, mail.id: remembered})


def answered(letter: Letter, reply: Reply) -> Letter:
    """The letter with one more answer; the latest counts while the letter is open (L10).

    Raises: ConflictError("letter_outdated") when the figures changed since they were shown (L9),
    ConflictError("letter_closed") after its time; ValidationError for a disagreement that names a
    wrong count.
    """
    if letter.closed is not None:
        raise _closed()
    if reply.edition != letter.edition.number:
        raise ConflictError(
            "letter_outdated", "The figures changed since this page was shown; look at them again."
        )
    if reply.their_count is not None and reply.their_count < 0:
        problem = Problem("/their_count", "range", "A count is 0 or more.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    return replace(letter, replies=(*letter.replies, reply), remind_on=None, disowned_at="")


def closed_as(letter: Letter, state: LetterState) -> Letter:
    """The letter after its time, or taken back by a person.

    Raises: ConflictError("letter_closed") for one that is closed already.
    """
    if letter.closed is not None:
        raise _closed()
    return replace(letter, closed=state, remind_on=None, disowned_at="")


def disowned(letter: Letter, at: str) -> Letter:
    """The letter that reached somebody else: nobody is reminded until a person looked.

    Raises: ConflictError("letter_closed").
    """
    if letter.closed is not None:
        raise _closed()
    return replace(letter, remind_on=None, disowned_at=letter.disowned_at or at)


def put_off(letter: Letter, today: date) -> Letter:
    """The letter whose receiver will answer later: the plan of reminders moves, its days stay apart
    as they were. Without a reminder to come nothing changes.

    Raises: ConflictError("letter_closed").
    """
    if letter.closed is not None:
        raise _closed()
    if letter.remind_on is None:
        return letter
    following = max(letter.remind_on, today + timedelta(days=LATER_DAYS))
    moved = (following - letter.remind_on).days
    return replace(letter, remind_on=following, put_off_days=letter.put_off_days + moved)


def addressee_confirmed(letter: Letter, remind_on: date | None) -> Letter:
    """The letter after a person made sure that it goes to the right company.

    Raises: ConflictError("not_disowned") when nobody says otherwise.
    """
    if not letter.disowned_at:
        raise ConflictError("not_disowned", "Nobody says that this letter is not theirs.")
    return replace(letter, disowned_at="", remind_on=remind_on)


def _closed() -> ConflictError:
    return ConflictError("letter_closed", "The time for an answer to this letter is over.")
