"""Access of a counterparty to its portal: prepared by itself, invited by a link, set by the person.

The source document shows generated links and passwords to an administrator. Here nobody ever sees a
password: an invitation lets the counterparty choose its own, and what is kept is a hash.
Source: Ba-Bs document, user report (*Ba-Bs Kullanıcı Raporu*); security.md §6.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.stamp import NEW, Stamp

INVITATION_LIFETIME: Final = timedelta(hours=72)
RENEWED_BEFORE: Final = timedelta(hours=24)
"""An invitation with less time left is replaced by a new one when the next mail leaves."""
IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
TOUCH_EVERY: Final = timedelta(minutes=1)
USER_NAME_LENGTH: Final = 12
ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Characters of a user name: none that reads like another one."""


class AccessState(StrEnum):
    """How far a counterparty has come."""

    PREPARED = "prepared"
    INVITED = "invited"
    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class PortalAccess:
    """The access of one counterparty; there is exactly one.

    Shapes: ``user_name`` identifies and proves nothing. ``generation`` counts invitations: a link
    carries the generation it was made for, so using, renewing or revoking ends all earlier links.
    ``password_hash`` is empty until the counterparty chose its password.
    """

    counterparty_id: str
    user_name: str
    state: AccessState = AccessState.PREPARED
    generation: int = 1
    invited_until: datetime | None = None
    password_hash: str = field(default="", repr=False)
    session_epoch: int = 1
    last_seen_at: datetime | None = None
    stamp: Stamp = field(default=NEW)

    def has_open_invitation(self, now: datetime, margin: timedelta = timedelta(0)) -> bool:
        """Whether the current link still works after ``margin``."""
        return (
            self.state is not AccessState.REVOKED
            and self.invited_until is not None
            and now + margin < self.invited_until
        )

    def invited(self, now: datetime) -> PortalAccess:
        """With a new link; earlier ones end. An active access keeps its password meanwhile."""
        active = self.state is AccessState.ACTIVE
        return replace(
            self,
            state=AccessState.ACTIVE if active else AccessState.INVITED,
            generation=self.generation + 1,
            invited_until=now + INVITATION_LIFETIME,
        )

    def set_up(self, password_hash: str, now: datetime) -> PortalAccess:
        """After the counterparty chose a password: the link is used up, all sessions end."""
        return replace(
            self,
            state=AccessState.ACTIVE,
            generation=self.generation + 1,
            invited_until=None,
            password_hash=password_hash,
            session_epoch=self.session_epoch + 1,
            last_seen_at=now,
        )

    def revoked(self) -> PortalAccess:
        """Nothing of it works any more: link, password, open sessions."""
        return replace(
            self,
            state=AccessState.REVOKED,
            generation=self.generation + 1,
            invited_until=None,
            password_hash="",
            session_epoch=self.session_epoch + 1,
        )


def grouped(user_name: str) -> str:
    """A user name as people read it: groups of four."""
    return "-".join(user_name[start : start + 4] for start in range(0, len(user_name), 4))


def typed_user_name(text: str) -> str:
    """What a person typed as a stored user name: case, blanks and hyphens make no difference."""
    plain = text.upper().replace("-", "").replace(" ", "")
    fits = len(plain) == USER_NAME_LENGTH and all(char in ALPHABET for char in plain)
    return plain if fits else ""


@dataclass(frozen=True, slots=True)
class PortalSession:
    """One sign-in of a counterparty, apart from the sessions of staff.

    Shapes: ``digest`` is the SHA-256 of the cookie's value, which is stored nowhere.
    """

    digest: str
    tenant_id: str
    counterparty_id: str
    epoch: int
    created_at: datetime
    last_seen_at: datetime

    def is_alive(self, now: datetime, access: PortalAccess) -> bool:
        """Not idle too long, not too old, not ended by a new password or a revocation."""
        return (
            access.state is AccessState.ACTIVE
            and self.epoch == access.session_epoch
            and now - self.last_seen_at < IDLE
            and now - self.created_at < ABSOLUTE
        )

    def needs_touch(self, now: datetime) -> bool:
        """Whether the last visit should be written."""
        return now - self.last_seen_at >= TOUCH_EVERY

    @property
    def ends_at(self) -> datetime:
        """When the session is over whatever happens."""
        return self.created_at + ABSOLUTE
