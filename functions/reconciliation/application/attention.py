"""What a person must look at: mails that did not reach anybody, letters that are not theirs."""

from typing import Final

from kernel.mail_delivery import MailDelivery, MailState
from reconciliation.domain.letter import Letter, LetterMail
from reconciliation.domain.mail_matter import waits_for_person
from reconciliation.domain.portal_mail import PortalMail
from reconciliation.ports import ReconciliationUnit

LETTER_ATTENTION_RAISED: Final = "reconciliation.AttentionRaised.v1"
LETTER_ATTENTION_CLEARED: Final = "reconciliation.AttentionCleared.v1"
_TELL: Final = frozenset(
    {MailState.BOUNCED, MailState.COMPLAINED, MailState.REFUSED, MailState.SUPPRESSED}
)


def _troubled(mail: MailDelivery) -> bool:
    return mail.state in _TELL or waits_for_person(mail)


def mail_attention(
    unit: ReconciliationUnit, before: LetterMail | PortalMail, after: LetterMail | PortalMail
) -> None:
    """Raise or clear the matter of a mail, if its change makes a difference."""
    if isinstance(after, LetterMail):
        kind, subject = "letter_mail", f"letter:{after.letter_id}"
    else:
        kind, subject = "portal_mail", f"portal_mail:{after.id}"
    key = f"{kind}:{after.id}"
    if _troubled(after) and (not _troubled(before) or after.state is not before.state):
        unit.publish(
            LETTER_ATTENTION_RAISED,
            subject,
            {
                "key": key,
                "subject": subject,
                "code": f"{kind}_{after.state.value}",
                "severity": "medium",
            },
        )
    elif _troubled(before) and not _troubled(after):
        unit.publish(LETTER_ATTENTION_CLEARED, subject, {"key": key, "subject": subject})


def letter_attention(unit: ReconciliationUnit, before: Letter, after: Letter) -> None:
    """Raise or clear the matter of a letter whose receiver says that it is not the one meant."""
    if bool(before.disowned_at) is bool(after.disowned_at):
        return
    subject, key = f"letter:{after.id}", f"letter_disowned:{after.id}"
    if after.disowned_at:
        unit.publish(
            LETTER_ATTENTION_RAISED,
            subject,
            {"key": key, "subject": subject, "code": "letter_disowned", "severity": "medium"},
        )
    else:
        unit.publish(LETTER_ATTENTION_CLEARED, subject, {"key": key, "subject": subject})
