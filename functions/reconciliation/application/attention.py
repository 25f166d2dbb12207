"""What a person must look at: mails that did not reach the counterparty."""

from typing import Final

from kernel.mail_delivery import MailState
from reconciliation.domain.letter import LetterMail
from reconciliation.ports import ReconciliationUnit

LETTER_ATTENTION_RAISED: Final = "reconciliation.AttentionRaised.v1"
LETTER_ATTENTION_CLEARED: Final = "reconciliation.AttentionCleared.v1"
_TELL: Final = frozenset(
    {MailState.BOUNCED, MailState.COMPLAINED, MailState.REFUSED, MailState.SUPPRESSED}
)


def _troubled(mail: LetterMail) -> bool:
    # An unknown mail that still waits for its report or repetition is nobody's work yet.
    return mail.state in _TELL or (mail.state is MailState.UNKNOWN and mail.next_at is None)


def mail_attention(unit: ReconciliationUnit, before: LetterMail, after: LetterMail) -> None:
    """Raise or clear the matter of a mail, if its change makes a difference.

    All mails to one address about one letter are one matter.
    """
    subject, key = f"letter:{after.letter_id}", f"letter_mail:{after.id}"
    if _troubled(after) and (not _troubled(before) or after.state is not before.state):
        unit.publish(
            LETTER_ATTENTION_RAISED,
            subject,
            {
                "key": key,
                "subject": subject,
                "code": f"letter_mail_{after.state.value}",
                "severity": "medium",
            },
        )
    elif _troubled(before) and not _troubled(after):
        unit.publish(LETTER_ATTENTION_CLEARED, subject, {"key": key, "subject": subject})
