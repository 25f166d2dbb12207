"""Sessions of signed-in people: opaque, kept on the server, short."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
TOUCH_EVERY: Final = timedelta(minutes=1)
"""How stale ``last_seen_at`` may become before it is written again."""


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in.

    Shapes: ``digest`` is the SHA-256 of the cookie's value; the value itself is stored nowhere.
    ``tenant_id`` is the company the pages speak of; it may be empty. ``device`` is the family of
    the browser. ``second_factor`` says whether more than a password was proved, ``proved_at`` when
    something was proved last (None: at the sign-in).
    """

    digest: str
    person_id: str
    epoch: int
    tenant_id: str
    created_at: datetime
    last_seen_at: datetime
    device: str = ""
    second_factor: bool = False
    proved_at: datetime | None = None

    def is_alive(self, now: datetime, person_epoch: int) -> bool:
        """Not idle too long, not too old, not ended everywhere."""
        return (
            self.epoch == person_epoch
            and now - self.last_seen_at < IDLE
            and now - self.created_at < ABSOLUTE
        )

    def needs_touch(self, now: datetime) -> bool:
        """Whether the last visit should be written."""
        return now - self.last_seen_at >= TOUCH_EVERY

    @property
    def last_proof(self) -> datetime:
        """When the person proved last who they are."""
        return self.proved_at or self.created_at

    @property
    def ends_at(self) -> datetime:
        """When the session is over whatever happens."""
        return self.created_at + ABSOLUTE


_FAMILIES: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)


def device_of(user_agent: str) -> str:
    """Family of a browser: enough to recognise an own session, too little to track anybody."""
    return next((name for mark, name in _FAMILIES if mark in user_agent), "")
