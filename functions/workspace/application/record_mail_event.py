"""Join what the mail service reports into the mail log; silence addresses that do not want us."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.clock import Clock
from kernel.mail_reports import MailReport, read_report
from kernel.parsing import format_instant
from toolkit.auth import TenantContext
from workspace.application.send_mail import ACTOR
from workspace.domain.message import Message, joined
from workspace.ports import MESSAGE_TAG, SystemStore


def mail_report(detail: Mapping[str, Any]) -> MailReport | None:
    """What an event of the mail service says of a mail of ours; None for anything else."""
    return read_report(detail, MESSAGE_TAG)


@dataclass(frozen=True, slots=True)
class RecordMailEvent:
    """Idempotent: any order and repetition of reports ends in the same state (I-21)."""

    store: SystemStore
    clock: Clock

    def __call__(self, report: MailReport) -> bool:
        """Whether the report was ours and said something.

        A report whose mail we do not know, or that names another hand-over than ours, is ignored
        (S30). Raises: ConflictError when the mail is being written; the record comes again.
        """
        message = self.store.message(report.tenant_id, report.mail_id)
        if message is None or not self._is_ours(message, report):
            return False
        at = format_instant(self.clock.now())
        after = joined(message, report.news, report.provider_id, at)
        if after == message and not report.silences:
            return True
        context = TenantContext(message.tenant_id, ACTOR, message.id)
        unit = self.store.company(context).unit() if message.tenant_id else self.store.unit(ACTOR)
        if after != message:
            unit.save_message(message, after, f"message.{report.news.value}")
        if report.silences and message.to is not None:
            unit.suppress(message.to, report.news.value)
        if len(unit):
            unit.commit()
        return True

    @staticmethod
    def _is_ours(message: Message, report: MailReport) -> bool:
        """Handed over by us, and under this id if the id is known.

        A second attempt after a lost one has another id; both mails are ours, so an attempt that
        was made twice accepts either.
        """
        if message.attempts == 0:
            return False
        return (
            not message.provider_id
            or message.provider_id == report.provider_id
            or message.attempts > 1
        )
