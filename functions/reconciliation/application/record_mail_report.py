"""Join reports of the mail service into letters and their mails; silence who does not want them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kernel.mail_delivery import is_about, joined
from kernel.mail_reports import MailReport, read_report
from kernel.storing import WriteRefusedError
from reconciliation.application.attention import mail_attention
from reconciliation.application.context import TRIES, Scope, TryAgainError
from reconciliation.application.letters import with_reminder
from reconciliation.domain.letter import LetterMail, with_mail
from reconciliation.ports import LETTER_MAIL_TAG


def mail_report(detail: Mapping[str, Any]) -> MailReport | None:
    """What an event of the mail service says of a mail with a letter; None for anything else."""
    report = read_report(detail, LETTER_MAIL_TAG)
    if report is None or not report.tenant_id:
        return None
    return report


@dataclass(frozen=True, slots=True)
class RecordMailReport:
    """Idempotent: any order and repetition of reports ends in the same state (I-21)."""

    scope_of: Callable[[str], Scope]

    def __call__(self, report: MailReport) -> bool:
        """Whether the report was about a mail of ours.

        A report whose mail we do not know, or that names another hand-over than ours, is ignored
        (S30). Raises: TryAgainError when others wrote the same rows too often.
        """
        scope = self.scope_of(report.tenant_id)
        for _ in range(TRIES):
            mail = scope.store.letter_mail(report.mail_id)
            if mail is None or not is_about(mail, report.provider_id):
                return False
            try:
                self._join(scope, mail, report)
            except WriteRefusedError:
                continue
            return True
        raise TryAgainError

    @staticmethod
    def _join(scope: Scope, mail: LetterMail, report: MailReport) -> None:
        after = joined(mail, report.news, report.provider_id)
        silence = report.silences and not scope.store.is_suppressed(mail.to)
        if after == mail and not silence:
            return
        unit = scope.store.unit()
        if silence:
            unit.suppress(mail.to, report.news.value)
        if after != mail:
            # A mail that was reported did leave, also when its worker never learnt of it.
            after = after.left_by(scope.clock.now().isoformat())
            unit.save_letter_mail(mail, after, f"mail.{report.news.value}")
            letter = scope.store.letter(mail.letter_id)
            known = with_reminder(scope, with_mail(letter, after), mail, after)
            unit.save_letter(letter, known, f"letter.{report.news.value}", {"mail_id": mail.id})
            mail_attention(unit, mail, after)
        unit.commit()
