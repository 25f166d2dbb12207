"""What the mail service reports of mails we handed over, read the same way by every context.

The rule on the bus lets reports of our own configuration set through only; the tags are those the
context gave with the hand-over, so they name items and never people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.ids import is_id
from kernel.mail_delivery import MailNews

TENANT_TAG: Final = "kopru-tenant"
NO_TENANT: Final = "none"
"""Value of the tenant tag of a mail that is no company's business."""

_NEWS: Final[Mapping[str, MailNews]] = {
    "send": MailNews.SENT,
    "delivery": MailNews.DELIVERED,
    "open": MailNews.OPENED,
    "bounce": MailNews.BOUNCED,
    "complaint": MailNews.COMPLAINED,
    "reject": MailNews.REFUSED,
}


@dataclass(frozen=True, slots=True)
class MailReport:
    """One report. Shapes: ``tenant_id`` is empty for a mail of no company; ``permanent`` is set for
    a bounce that will not heal.
    """

    news: MailNews
    tenant_id: str
    mail_id: str
    provider_id: str
    permanent: bool

    @property
    def silences(self) -> bool:
        """Whether the address gets no mail any more: it complained, or it does not exist."""
        return self.news is MailNews.COMPLAINED or (
            self.news is MailNews.BOUNCED and self.permanent
        )


def read_report(detail: Mapping[str, Any], item_tag: str) -> MailReport | None:
    """What an event of SES says, or None for one that is not about a mail with ``item_tag``.

    Shapes: ``detail`` of an EventBridge event with ``eventType`` and ``mail``; a delay, a click or
    an unknown type says nothing about the state.
    """
    mail, news = detail.get("mail"), _NEWS.get(str(detail.get("eventType", "")).lower())
    if not isinstance(mail, Mapping) or news is None:
        return None
    tags = mail.get("tags")
    mail_id, tenant_id = _tag(tags, item_tag), _tag(tags, TENANT_TAG)
    if not is_id(mail_id) or not (is_id(tenant_id) or tenant_id == NO_TENANT):
        return None
    bounce = detail.get("bounce")
    kind = str(bounce.get("bounceType", "")) if isinstance(bounce, Mapping) else ""
    return MailReport(
        news=news,
        tenant_id="" if tenant_id == NO_TENANT else tenant_id,
        mail_id=mail_id,
        provider_id=str(mail.get("messageId", "")),
        permanent=kind.lower() == "permanent",
    )


def _tag(tags: Any, name: str) -> str:
    values = tags.get(name) if isinstance(tags, Mapping) else None
    if isinstance(values, list) and len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return ""
