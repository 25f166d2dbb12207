"""Links by mail: one purpose, one use, an end. Opening one only shows; a POST acts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class LinkPurpose(StrEnum):
    """What a link is good for."""

    INVITATION = "invitation"
    ACTIVATION = "activation"
    PASSWORD_RESET = "password_reset"  # noqa: S105  (a purpose, not a password)
    TASK = "task"


LIFETIMES: Final = {
    LinkPurpose.INVITATION: timedelta(hours=72),
    LinkPurpose.ACTIVATION: timedelta(hours=72),
    LinkPurpose.PASSWORD_RESET: timedelta(minutes=30),
    LinkPurpose.TASK: timedelta(days=14),
}


@dataclass(frozen=True, slots=True)
class Link:
    """One link. ``digest`` is the SHA-256 of its token; ``tenant_id`` is empty for a reset;
    ``item`` is the key of the one task it leads to.
    """

    digest: str
    purpose: LinkPurpose
    person_id: str
    tenant_id: str
    expires_at: datetime
    used: bool = False
    item: str = ""

    def is_open(self, purpose: LinkPurpose, now: datetime) -> bool:
        """Whether it can still be used for this purpose."""
        return self.purpose is purpose and not self.used and now < self.expires_at


def new_link(
    digest: str,
    purpose: LinkPurpose,
    person_id: str,
    tenant_id: str,
    now: datetime,
    item: str = "",
) -> Link:
    """A link that lives as long as its purpose allows."""
    return Link(digest, purpose, person_id, tenant_id, now + LIFETIMES[purpose], item=item)
