"""Join reports of the mail service into the mails with codes; silence who does not want them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kernel.mail_delivery import MailNews, MailState, is_about, joined
from kernel.mail_reports import MailReport, read_report
from kernel.storing import WriteRefusedError
from payment_codes.application.connection import CODE_ATTENTION_CLEARED
from payment_codes.application.context import TRIES, Scope, TryAgainError
from payment_codes.application.send_code import attention_key, raise_mail_attention
from payment_codes.domain.mail import CodeMail
from payment_codes.ports import CODE_MAIL_TAG, PaymentsUnit

_TROUBLED = frozenset(
    {
        MailState.UNKNOWN,
        MailState.REFUSED,
        MailState.BOUNCED,
        MailState.COMPLAINED,
        MailState.SUPPRESSED,
    }
)


def mail_report(detail: Mapping[str, Any]) -> MailReport | None:
    """What an event of the mail service says of a mail with a code; None for anything else.

    Nobody counts who opened a mail with a code.
    """
    report = read_report(detail, CODE_MAIL_TAG)
    if report is None or not report.tenant_id or report.news is MailNews.OPENED:
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
            mail = scope.store.mail(report.mail_id)
            if mail is None or not is_about(mail, report.provider_id):
                return False
            try:
                self._join(scope, mail, report)
            except WriteRefusedError:
                continue
            return True
        raise TryAgainError

    def _join(self, scope: Scope, mail: CodeMail, report: MailReport) -> None:
        after = joined(mail, report.news, report.provider_id)
        silence = report.silences and not scope.store.is_suppressed(mail.to)
        if after == mail and not silence:
            return
        unit = scope.store.unit()
        if silence:
            unit.suppress(mail.to, report.news.value)
        if after != mail:
            unit.save_mail(mail, after, f"mail.{report.news.value}")
            self._tell(scope, unit, mail, after)
            if report.news is not MailNews.REFUSED:
                self._left(scope, unit, mail)
        unit.commit()

    @staticmethod
    def _left(scope: Scope, unit: PaymentsUnit, mail: CodeMail) -> None:
        """A mail that was reported did leave, also when its worker never learnt of it."""
        code = scope.store.code(mail.code_id)
        if code.was_sent:
            return
        organisation = scope.organisation()
        sent = code.sent(scope.today(organisation), organisation.tolerance)
        unit.save_code(code, scope.with_due(sent, organisation), "code.sent", {"mail_id": mail.id})

    @staticmethod
    def _tell(scope: Scope, unit: PaymentsUnit, before: CodeMail, after: CodeMail) -> None:
        """A person must look when a mail did not arrive, and need not when a later one did."""
        if after.state in _TROUBLED:
            raise_mail_attention(unit, after)
        elif after.state is MailState.DELIVERED or before.state is MailState.UNKNOWN:
            # Mails are listed in the order in which they were asked for.
            earlier = [mail for mail in scope.store.mails(after.code_id) if mail.id <= after.id]
            if any(mail.state in _TROUBLED for mail in earlier):
                key, subject = attention_key(after), f"payment_code:{after.code_id}"
                unit.publish(CODE_ATTENTION_CLEARED, subject, {"key": key, "subject": subject})
