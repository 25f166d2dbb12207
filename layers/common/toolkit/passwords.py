"""Password hashes with argon2id, per-user salt, and equal work for people who do not exist."""

from functools import cached_property

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from kernel.sensitive import Secret


class Argon2Passwords:
    """``PasswordHasher`` of the ports.

    Units: ``memory_kib`` and ``rounds`` follow the OWASP password storage cheat sheet (46 MiB, one
    round, one lane), which fits a function of 512 MB; a test may pass less.
    """

    def __init__(self, *, memory_kib: int = 47_104, rounds: int = 1) -> None:
        self._hasher = PasswordHasher(
            time_cost=rounds, memory_cost=memory_kib, parallelism=1, type=Type.ID
        )

    @cached_property
    def _nobody(self) -> str:
        """A hash of nobody's password, to spend the same effort on unknown people."""
        return self._hasher.hash("nobody's password")

    def hash(self, password: Secret) -> str:
        return self._hasher.hash(password.reveal("hash a password"))

    def verify(self, password_hash: str | None, password: Secret) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobody, password.reveal("verify a password"))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)
