"""Say what became of a mail that only a person can tell of; the note says how it is known."""

from dataclasses import dataclass, replace

from kernel.errors import NotFoundError
from kernel.parsing import format_instant
from kernel.storing import Position, WriteRefusedError
from reconciliation.application.attention import mail_attention
from reconciliation.application.context import TRIES, Scope, TryAgainError
from reconciliation.application.letters import asked_now, with_reminder
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.letter import LetterMail, with_mail
from reconciliation.domain.mail_matter import Decision, decided
from reconciliation.domain.portal_mail import PortalMail

Mail = LetterMail | PortalMail


@dataclass(frozen=True, slots=True)
class MailMatter:
    """A mail that waits for a person, and the account card it went to."""

    mail: Mail
    card: Counterparty | None


class ListMatters:
    """Mails of unknown fate, oldest first."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[MailMatter], Position | None]:
        store = self._scope.store
        mails, following = store.mail_matters(limit=limit, after=after)
        cards = store.counterparties({mail.counterparty_id for mail in mails})
        return [MailMatter(mail, cards.get(mail.counterparty_id)) for mail in mails], following

    def one(self, mail_id: str) -> MailMatter:
        """One mail, whatever its state. Raises: NotFoundError."""
        store = self._scope.store
        mail = store.letter_mail(mail_id) or store.portal_mail(mail_id)
        if mail is None:
            raise NotFoundError("not_found", "There is no such item.")
        cards = store.counterparties([mail.counterparty_id])
        return MailMatter(mail, cards.get(mail.counterparty_id))


class DecideMail:
    """Write down what a person found out about a mail, and do what follows.

    Raises: NotFoundError; ConflictError("mail_settled" | "letter_closed").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, mail_id: str, decision: Decision, note: str) -> MailMatter:
        """``note`` says how it is known. Raises: TryAgainError when others keep writing it."""
        matters = ListMatters(self._scope)
        for _ in range(TRIES):
            before = matters.one(mail_id).mail
            try:
                if isinstance(before, LetterMail):
                    self._letter_mail(before, decision, note)
                else:
                    self._portal_mail(before, decision, note)
            except WriteRefusedError:
                continue
            return matters.one(mail_id)
        raise TryAgainError

    def _letter_mail(self, before: LetterMail, decision: Decision, note: str) -> None:
        scope, now = self._scope, self._scope.clock.now()
        unit = scope.store.unit()
        after = replace(decided(before, decision, now), note=note)
        if decision is Decision.ARRIVED:
            after = after.left_by(now.isoformat())
        elif decision is Decision.SEND_AGAIN:
            settings = scope.store.mailing_settings()
            asked = asked_now(scope, settings, automatic=False)
            # Counted as its repetition: a second loss belongs to a person again.
            after = replace(after, automatic=False, until=asked.until, resends=before.resends + 1)
            unit.enqueue("mail", {"mail_id": after.id})
        unit.save_letter_mail(before, after, f"mail.{decision.value}")
        letter = scope.store.letter(before.letter_id)
        known = with_reminder(scope, with_mail(letter, after), before, after)
        unit.save_letter(letter, known, f"letter.mail.{decision.value}", {"mail_id": after.id})
        mail_attention(unit, before, after)
        unit.commit()

    def _portal_mail(self, before: PortalMail, decision: Decision, note: str) -> None:
        now = self._scope.clock.now()
        unit = self._scope.store.unit()
        after = replace(decided(before, decision, now), note=note)
        if decision is Decision.ARRIVED:
            after = replace(after, sent_at=before.sent_at or format_instant(now))
        elif decision is Decision.SEND_AGAIN:
            unit.enqueue("mail", {"portal_mail_id": after.id})
        unit.save_portal_mail(before, after, f"portal_mail.{decision.value}")
        mail_attention(unit, before, after)
        unit.commit()
