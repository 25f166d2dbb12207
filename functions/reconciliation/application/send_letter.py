"""Hand one mail of a letter over: claim, effect, commit (reliability.md §2)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from kernel.files import UploadedFile
from kernel.mail_delivery import (
    LEASE_MARGIN,
    MailState,
    claimed,
    handed_over,
    lost_sight_of,
    not_sent,
    refused,
    suppressed,
    withdrawn,
)
from kernel.mailing import MailOutcome, MailResult
from kernel.storing import WriteRefusedError
from reconciliation.application.attention import mail_attention
from reconciliation.application.context import (
    MAIL_SECONDS,
    RESERVE_SECONDS,
    TRIES,
    Scope,
    TryAgainError,
)
from reconciliation.application.letters import (
    Asked,
    paper_name,
    paper_of,
    queue_mail,
    text_id,
    with_reminder,
)
from reconciliation.domain.counterparty import Counterparty, CounterpartyState
from reconciliation.domain.letter import (
    ANSWERED,
    CLOSED,
    FIRST,
    MAX_RESENDS,
    Letter,
    LetterMail,
    with_mail,
    with_paper,
)
from reconciliation.domain.letter_template import LetterTemplate
from reconciliation.domain.mailing import MailingSettings, open_on
from reconciliation.ports import (
    AccessLinks,
    EvidenceFiles,
    LetterMailer,
    LetterPdf,
    MailToSend,
    PaperError,
)

SETTLE: Final = timedelta(hours=1)
"""How long a report of a mail of unknown fate is waited for before the one repetition (L4)."""
REMINDER: Final = "reminder-"
TO_OWN_ADDRESSES: Final = (FIRST, REMINDER, "correction-")
"""Kinds of mails that go to the addresses of the account card, and to no other."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """Everything one hand-over depends on, as it was read before the claim."""

    letter: Letter
    card: Counterparty
    text: LetterTemplate
    settings: MailingSettings


@dataclass(frozen=True, slots=True)
class SendLetter:
    """Hand one mail over.

    A lost answer leaves the mail unknown. If no report of the mail service tells within an hour, it
    is repeated once under the same reference; after that a person decides.
    """

    scope: Scope
    pdf: LetterPdf
    mailer: LetterMailer
    links: AccessLinks
    files: EvidenceFiles

    def __call__(
        self, mail_id: str, letter_id: str = "", *, remaining: Callable[[], float]
    ) -> None:
        """``letter_id`` saves a request. Raises: TryAgainError while somebody alive holds the mail,
        or when time is short.
        """
        scope = self.scope
        found = scope.store.mail_to_send(mail_id, letter_id)
        if found is None:
            return
        mail = found.mail
        now = scope.clock.now()
        if mail.state is MailState.SENDING:
            if mail.lease_until is not None and now < mail.lease_until:
                raise TryAgainError
            self._lost(mail, "lease_ended")
            return
        if mail.state is MailState.UNKNOWN:
            self._settled(mail)
            return
        if mail.state is not MailState.QUEUED:
            return
        if remaining() < MAIL_SECONDS + RESERVE_SECONDS:
            raise TryAgainError
        ready = self._ready(found)
        if why := self._why_not(mail, ready):
            self._withdraw(mail, ready, why)
            return
        paper = paper_of(ready.letter, ready.card, ready.text, ready.settings, found.rules)
        try:
            pdf = self.pdf.render(paper)
        except PaperError as error:
            self._save(mail, refused(mail, error.code), "mail.refused")
            return
        name = paper_name(ready.letter)
        self.files.keep_evidence(name, UploadedFile(pdf, "application/pdf", f"{name}.pdf"))
        lease = now + timedelta(seconds=remaining()) + LEASE_MARGIN
        mine = self._claim(mail, claimed(mail, scope.ids.new(), lease), ready)
        if mine is None:
            return
        unsubscribe = ""
        if mail.kind == "subscription":
            unsubscribe = self.links.unsubscribe_for(ready.card, mail.to)
        outcome = self.mailer.send(
            scope.tenant_id,
            mine,
            paper,
            pdf,
            link=self.links.link_for(ready.card, ready.letter),
            unsubscribe=unsubscribe,
        )
        self._commit(mine, outcome, scope.digest(pdf), ready)

    # -------------------------------------------------------------- before the effect

    def _ready(self, found: MailToSend) -> _Ready:
        letter = found.letter
        card, text = self.scope.store.receiver_and_text(letter.counterparty_id, text_id(letter))
        return _Ready(letter, card, text, found.settings)

    def _why_not(self, mail: LetterMail, ready: _Ready) -> str:
        """Why this mail must not leave, or nothing; asked again in the claim by conditions."""
        today = self.scope.today()
        if mail.until < today or (
            mail.automatic and not open_on(ready.settings, today, self.scope.calendar())
        ):
            return "window_closed"
        if ready.letter.state in CLOSED:
            return "letter_closed"
        if ready.letter.disowned_at and mail.kind.startswith(REMINDER):
            return "letter_disowned"
        if ready.letter.state in ANSWERED and mail.kind.startswith(TO_OWN_ADDRESSES):
            return "letter_answered"
        if mail.kind == "subscription" and mail.to not in self.scope.store.subscribers(
            [ready.card.id]
        ).get(ready.card.id, ()):
            return "unsubscribed"
        if mail.kind.startswith(TO_OWN_ADDRESSES) and (
            ready.card.state is not CounterpartyState.ACTIVE
            or mail.to not in ready.card.fields.emails
        ):
            return "address_changed"
        return ""

    def _withdraw(self, mail: LetterMail, ready: _Ready, why: str) -> None:
        """The mail does not leave; after a change of address the new one gets it (L7)."""
        unit = self.scope.store.unit()
        after = withdrawn(mail, why)
        unit.save_letter_mail(mail, after, "mail.withdrawn")
        letter = with_mail(ready.letter, after)
        if why == "address_changed" and ready.card.state is CounterpartyState.ACTIVE:
            asked = Asked(mail.automatic, mail.until, self.scope.clock.now().isoformat())
            for to in ready.card.fields.emails:
                name = self.scope.store.letter_mail_id(letter.id, mail.kind, to)
                if name not in letter.mails:
                    letter = queue_mail(self.scope, unit, letter, to, mail.kind, asked)
        unit.save_letter(ready.letter, letter, "letter.mail_withdrawn", {"reason": why})
        self._or_again(unit.commit)

    def _claim(self, before: LetterMail, after: LetterMail, ready: _Ready) -> LetterMail | None:
        """The mail in our hands; None when nothing may be sent to its address."""
        unit = self.scope.store.unit()
        mine = unit.save_letter_mail(before, after, "mail.claimed")
        # In the transaction of the claim, so that no stale read can do worse than cost a retry.
        unit.require_letter(ready.letter)
        unit.require_counterparty(ready.card)
        unit.require_not_suppressed(after.to)
        if before.automatic:
            unit.require_settings(ready.settings)
        try:
            unit.commit()
        except WriteRefusedError as error:
            if not error.refused("suppressed"):
                raise TryAgainError from error
            self._save(before, suppressed(before), "mail.suppressed")
            return None
        return mine

    # -------------------------------------------------------------- after the effect

    def _commit(self, mine: LetterMail, outcome: MailOutcome, digest: str, ready: _Ready) -> None:
        now = self.scope.clock.now()
        if outcome.result is MailResult.TAKEN:
            sent = replace(handed_over(mine, outcome.provider_id), sent_at=now.isoformat())
            self._save(mine, sent, "mail.sent", digest=digest, ready=ready)
        elif outcome.result is MailResult.REFUSED:
            self._save(mine, refused(mine, outcome.code), "mail.refused", digest=digest)
        elif outcome.result is MailResult.NOT_SENT:
            self._save(mine, not_sent(mine, outcome.code, now), "mail.not_sent")
        else:
            self._lost(mine, outcome.code, digest)

    def _lost(self, mail: LetterMail, reason: str, digest: str = "") -> None:
        unknown = replace(lost_sight_of(mail, reason), next_at=self.scope.clock.now() + SETTLE)
        self._save(mail, unknown, "mail.unknown", digest=digest)

    def _settled(self, mail: LetterMail) -> None:
        """No report came in time: the one repetition, or a person."""
        now = self.scope.clock.now()
        if mail.next_at is None or now < mail.next_at:
            return
        if mail.resends < MAX_RESENDS:
            again = replace(mail, state=MailState.QUEUED, resends=mail.resends + 1, next_at=now)
            self._save(mail, again, "mail.queued_again", message=True)
        else:
            self._save(mail, replace(mail, next_at=None), "mail.given_to_person")

    def _save(
        self,
        before: LetterMail,
        after: LetterMail,
        action: str,
        *,
        digest: str = "",
        message: bool = False,
        ready: _Ready | None = None,
    ) -> None:
        """Write where a mail stands, on it and on its letter.

        What was read before the claim is tried first: a letter that changed since refuses it.
        """
        scope = self.scope
        for attempt in range(TRIES):
            first = ready if attempt == 0 else None
            letter = first.letter if first else scope.store.letter(before.letter_id)
            unit = scope.store.unit()
            unit.save_letter_mail(before, after, action)
            now = with_reminder(
                scope, with_mail(letter, after), before, after, ready.settings if ready else None
            )
            if digest and not now.edition.digest and after.edition == now.edition.number:
                now = with_paper(now, digest)
            unit.save_letter(letter, now, f"letter.{action}", {"mail_id": after.id})
            mail_attention(unit, before, after)
            if message:
                unit.enqueue("mail", {"mail_id": after.id})
            try:
                unit.commit()
            except WriteRefusedError as error:
                if error.refused("letter_mail:"):
                    return  # somebody wrote the end of this mail already
                continue
            return
        raise TryAgainError

    @staticmethod
    def _or_again(commit: Callable[[], None]) -> None:
        try:
            commit()
        except WriteRefusedError as error:
            raise TryAgainError from error
