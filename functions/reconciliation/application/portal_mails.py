"""Mails of the portal: asked for beside what they are about, handed over once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from kernel.errors import NotFoundError
from kernel.files import UploadedFile
from kernel.mail_delivery import (
    LEASE_MARGIN,
    MailState,
    claimed,
    handed_over,
    is_about,
    joined,
    lost_sight_of,
    not_sent,
    refused,
    suppressed,
    withdrawn,
)
from kernel.mail_reports import MailReport
from kernel.mailing import MailOutcome, MailResult
from kernel.parsing import format_instant
from kernel.sensitive import Email
from kernel.storing import WriteRefusedError
from reconciliation.application.access import GiveLink, LinkMaker
from reconciliation.application.account import ReadAccount
from reconciliation.application.attention import mail_attention
from reconciliation.application.context import (
    MAIL_SECONDS,
    RESERVE_SECONDS,
    TRIES,
    Scope,
    TryAgainError,
)
from reconciliation.domain.account import Statement
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.mail_matter import AGAIN
from reconciliation.domain.portal_mail import PortalMail, PortalMailKind
from reconciliation.ports import (
    PortalMailer,
    PortalMailText,
    ReconciliationUnit,
)


def ask_mail(
    scope: Scope,
    unit: ReconciliationUnit,
    counterparty: Counterparty,
    kind: PortalMailKind,
    to: Email,
    ref: str,
    *,
    once: str = "",
) -> None:
    """Ask for a mail beside what it is about; the same one again refuses the unit."""
    now = scope.clock.now()
    mail = PortalMail(
        id=scope.store.portal_mail_id(kind, counterparty.id, f"{ref}/{once}", to),
        kind=kind,
        counterparty_id=counterparty.id,
        ref=ref,
        to=to,
        language=counterparty.fields.language,
        asked_at=format_instant(now),
        next_at=now + AGAIN,
    )
    unit.add_portal_mail(mail)
    unit.enqueue("mail", {"portal_mail_id": mail.id})


@dataclass(frozen=True, slots=True)
class SendPortalMail:
    """Hand one mail over. A lost answer leaves it unknown, for a report or a person to tell."""

    scope: Scope
    mailer: PortalMailer
    give: GiveLink
    links: LinkMaker
    write: Callable[[Statement, Counterparty], UploadedFile]

    def __call__(self, mail_id: str, *, remaining: Callable[[], float]) -> None:
        """Raises: TryAgainError while somebody alive holds the mail, or when time is short."""
        scope = self.scope
        mail = scope.store.portal_mail(mail_id)
        if mail is None:
            return
        now = scope.clock.now()
        if mail.state is MailState.SENDING:
            if mail.lease_until is not None and now < mail.lease_until:
                raise TryAgainError
            self._save(mail, lost_sight_of(mail, "lease_ended"), "portal_mail.unknown")
            return
        if mail.state is not MailState.QUEUED:
            return
        if remaining() < MAIL_SECONDS + RESERVE_SECONDS:
            raise TryAgainError
        text = self._text(mail)
        if text is None:
            self._save(mail, withdrawn(mail, "superseded"), "portal_mail.withdrawn")
            return
        lease = now + timedelta(seconds=remaining()) + LEASE_MARGIN
        mine = self._claim(mail, claimed(mail, scope.ids.new(), lease))
        if mine is None:
            return
        outcome = self.mailer.send(scope.tenant_id, mine, text)
        self._commit(mine, outcome)

    def _text(self, mail: PortalMail) -> PortalMailText | None:
        """What the mail says; None when what it is about is over."""
        store = self.scope.store
        try:
            card = store.counterparty(mail.counterparty_id)
        except NotFoundError:
            return None
        sender = store.mailing_settings().sender.title
        if mail.kind is PortalMailKind.INVITATION:
            link = self.give.current(card.id, int(mail.ref))
            if link is None or mail.to not in card.fields.emails:
                return None
            return PortalMailText(card, sender, link.url, until=link.expires_at)
        if mail.kind is PortalMailKind.CONFIRM:
            contact = store.contacts(card.id).get(mail.ref)
            if contact is None or contact.confirmed_at:
                return None
            return PortalMailText(card, sender, self.links.confirm_for(card, mail.ref))
        letter = store.letters([mail.ref]).get(mail.ref)
        if letter is None:
            return None
        first, last = letter.period.first_day, letter.period.last_day
        found = ReadAccount(self.scope).between(card.id, first, last)
        file = self.write(found, card)
        link_text = self.links.link_for(card, letter)
        return PortalMailText(card, sender, link_text, letter=letter, file=file)

    def _claim(self, before: PortalMail, after: PortalMail) -> PortalMail | None:
        unit = self.scope.store.unit()
        mine = unit.save_portal_mail(before, after, "portal_mail.claimed")
        unit.require_not_suppressed(after.to)
        try:
            unit.commit()
        except WriteRefusedError as error:
            if not error.refused("suppressed"):
                raise TryAgainError from error
            self._save(before, suppressed(before), "portal_mail.suppressed")
            return None
        return mine

    def _commit(self, mine: PortalMail, outcome: MailOutcome) -> None:
        now = self.scope.clock.now()
        if outcome.result is MailResult.TAKEN:
            sent = handed_over(mine, outcome.provider_id)
            self._save(mine, replace(sent, sent_at=format_instant(now)), "portal_mail.sent")
        elif outcome.result is MailResult.REFUSED:
            self._save(mine, refused(mine, outcome.code), "portal_mail.refused")
        elif outcome.result is MailResult.NOT_SENT:
            self._save(mine, not_sent(mine, outcome.code, now), "portal_mail.not_sent")
        else:
            self._save(mine, lost_sight_of(mine, outcome.code), "portal_mail.unknown")

    def _save(self, before: PortalMail, after: PortalMail, action: str) -> None:
        unit = self.scope.store.unit()
        unit.save_portal_mail(before, after, action)
        mail_attention(unit, before, after)
        try:
            unit.commit()
        except WriteRefusedError:
            return  # somebody wrote the end of this mail already


@dataclass(frozen=True, slots=True)
class RecordPortalMailReport:
    """Join one report into a mail of the portal; any order and repetition ends the same (I-21)."""

    scope_of: Callable[[str], Scope]

    def __call__(self, report: MailReport) -> bool:
        """Whether the report was about a mail of the portal. Raises: TryAgainError."""
        scope = self.scope_of(report.tenant_id)
        for _ in range(TRIES):
            mail = scope.store.portal_mail(report.mail_id)
            if mail is None or not is_about(mail, report.provider_id):
                return False
            after = joined(mail, report.news, report.provider_id)
            silence = report.silences and not scope.store.is_suppressed(mail.to)
            if after == mail and not silence:
                return True
            unit = scope.store.unit()
            if silence:
                unit.suppress(mail.to, report.news.value)
            if after != mail:
                unit.save_portal_mail(mail, after, f"portal_mail.{report.news.value}")
                mail_attention(unit, mail, after)
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            return True
        raise TryAgainError
