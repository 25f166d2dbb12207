"""Ask for a new password. The answer and the work are the same whether the address is known."""

from dataclasses import dataclass

from kernel.ids import IdSource
from kernel.sensitive import Email
from workspace.ports import Digest, SystemStore, Throttle

DAY = 86_400
PER_DAY = 5


@dataclass(frozen=True, slots=True)
class RequestPasswordReset:
    """Notes the wish; a worker looks later, out of the asker's sight, whether there is somebody."""

    store: SystemStore
    ids: IdSource
    throttle: Throttle
    digest: Digest

    def __call__(self, email: Email, *, language: str, source_ip: str) -> None:
        """Raises: TooManyRequestsError above five a day for an address or a source."""
        self.throttle.hit("reset-source", source_ip, limit=4 * PER_DAY, window_seconds=DAY)
        self.throttle.hit(
            "reset",
            self.digest(email.reveal("count resets").lower()),
            limit=PER_DAY,
            window_seconds=DAY,
        )
        unit = self.store.unit("system:password_reset")
        unit.request_reset(self.ids.new(), email, language)
        unit.commit()
