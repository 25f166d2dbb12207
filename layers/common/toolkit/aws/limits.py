"""Rate limits as conditional counters in the expiring ``edge`` table."""

import hashlib

from kernel.clock import Clock
from kernel.errors import TooManyRequestsError
from toolkit.aws.dynamodb import Database, Keyspace, more_than


class RateLimiter:
    """Counts acts per subject and window; subjects are hashed because they may be addresses or
    numbers.
    """

    def __init__(self, database: Database, keyspace: Keyspace, clock: Clock) -> None:
        self._database = database
        self._keyspace = keyspace
        self._clock = clock

    def hit(self, act: str, subject: str, *, limit: int, window_seconds: int) -> None:
        """Count one act.

        Raises: TooManyRequestsError("rate_limited") above ``limit`` acts in a window.
        """
        now = int(self._clock.now().timestamp())
        window = now // window_seconds
        row = self._database.update(
            "edge",
            self._key(act, subject, window),
            "-",
            assign={"ttl": (window + 2) * window_seconds},
            add={"hits": 1},
        )
        if row is not None and row["hits"] > limit:
            raise TooManyRequestsError(
                "rate_limited",
                "Too many attempts. Wait and try again.",
                retry_after=(window + 1) * window_seconds - now,
            )

    def forgive(self, act: str, subject: str, *, window_seconds: int) -> None:
        """Take one act back that turned out to be harmless, such as a sign-in that succeeded.

        Counting first and forgiving afterwards leaves no gap for attempts in parallel.
        """
        window = int(self._clock.now().timestamp()) // window_seconds
        self._database.update(
            "edge",
            self._key(act, subject, window),
            "-",
            add={"hits": -1},
            when=more_than("hits", 0),
        )

    def _key(self, act: str, subject: str, window: int) -> str:
        digest = hashlib.sha256(f"{act}/{subject}".encode()).hexdigest()[:32]
        return self._keyspace.system("RATE", digest, str(window))
