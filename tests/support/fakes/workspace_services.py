"""Stand-ins of what the workspace asks of the outside: passwords, tokens, mail, uploads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kernel.errors import TooManyRequestsError
from kernel.mailing import MailOutcome, MailResult
from kernel.sensitive import Email, Secret
from workspace.domain.message import Message
from workspace.domain.second_factor import SecondFactor
from workspace.ports import (
    UploadTicket,
)


class PlainHasher:
    """Password hashes one can read; counts how often it worked."""

    def __init__(self) -> None:
        self.verified: list[bool] = []
        self.outdated = False

    def hash(self, password: Secret) -> str:
        return "plain:" + password.reveal("fake hash")

    def verify(self, password_hash: str | None, password: Secret) -> bool:
        right = password_hash == "plain:" + password.reveal("fake verify")
        self.verified.append(password_hash is not None)
        return right

    def is_outdated(self, password_hash: str) -> bool:
        return self.outdated


class CountingTokens:
    """Tokens ``token-1``, ``token-2``, … padded to the length of real ones."""

    def __init__(self) -> None:
        self.made = 0

    def new(self) -> Secret:
        self.made += 1
        return Secret(f"token-{self.made}".ljust(43, "x"))

    def raw(self, count: int) -> bytes:
        self.made += 1
        return self.made.to_bytes(4, "big").ljust(count, b"!")

    def digits(self) -> str:
        self.made += 1
        return f"{self.made:06d}"


class PlainFactors:
    """Sealed secrets one can read."""

    def seal(self, person_id: str, factor: SecondFactor, secret: Secret) -> bytes:
        return f"{person_id}/{factor.secret_version}/{secret.reveal('fake seal')}".encode()

    def open(self, person_id: str, factor: SecondFactor) -> Secret:
        owner, version, secret = factor.sealed.decode().split("/")
        assert (owner, int(version)) == (person_id, factor.secret_version)
        return Secret(secret)


def plain_digest(token: str) -> str:
    """A digest one can read."""
    return f"digest-of-{token}"


class MemoryThrottle:
    """Counts acts; windows do not end by themselves."""

    def __init__(self) -> None:
        self.hits: dict[tuple[str, str], int] = {}

    def hit(self, act: str, subject: str, *, limit: int, window_seconds: int) -> None:
        count = self.hits.get((act, subject), 0) + 1
        self.hits[act, subject] = count
        if count > limit:
            raise TooManyRequestsError("rate_limited", "Too many.", retry_after=window_seconds)

    def forgive(self, act: str, subject: str, *, window_seconds: int) -> None:
        self.hits[act, subject] = max(0, self.hits.get((act, subject), 0) - 1)


@dataclass
class SentMail:
    """One mail as it was handed over."""

    message: Message
    to: str
    name: str
    company: str
    link: str
    code: str = ""


class FakeMailer:
    """Takes every mail; ``outcomes`` are used up first, ``during`` runs inside the hand-over."""

    def __init__(self) -> None:
        self.sent: list[SentMail] = []
        self.outcomes: list[MailOutcome] = []
        self.during: Callable[[], None] | None = None

    def send(
        self, message: Message, *, to: Email, name: str, company: str, link: str, code: str
    ) -> MailOutcome:
        self.sent.append(SentMail(message, to.reveal("fake mail"), name, company, link, code))
        if self.during is not None:
            self.during()
        if self.outcomes:
            return self.outcomes.pop(0)
        return MailOutcome(MailResult.TAKEN, provider_id=f"ses-{len(self.sent)}")


class FakeUploads:
    """Hands out tickets and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def ticket(
        self,
        tenant_id: str,
        upload_id: str,
        *,
        filename: str,
        content_type: str,
        size: int,
        return_to: str | None,
    ) -> UploadTicket:
        self.asked.append({"tenant_id": tenant_id, "filename": filename, "size": size})
        return UploadTicket(upload_id, "https://files.example/", {"key": f"T/{tenant_id}"})
