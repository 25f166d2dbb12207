"""Services that use cases call: passwords, tokens, mail, uploads, and who proves a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from kernel.mailing import MailOutcome
from kernel.sensitive import Email, Secret
from workspace.domain.hosted_sign_in import ProvedIdentity, Trip
from workspace.domain.message import Message
from workspace.domain.second_factor import SecondFactor


class PasswordHasher(Protocol):
    """Makes and checks password hashes."""

    def hash(self, password: Secret) -> str: ...
    def verify(self, password_hash: str | None, password: Secret) -> bool:
        """Whether they belong together; takes as long without a hash as with one."""
        ...

    def is_outdated(self, password_hash: str) -> bool: ...


class Tokens(Protocol):
    """Unguessable texts."""

    def new(self) -> Secret:
        """A new token of 256 bits, URL-safe."""
        ...

    def raw(self, count: int) -> bytes:
        """Random bytes."""
        ...

    def digits(self) -> str:
        """Six decimal digits, each number equally likely."""
        ...


class SecondFactorSecrets(Protocol):
    """Seals and opens the secrets of authenticators; only the ciphertext is stored."""

    def seal(self, person_id: str, factor: SecondFactor, secret: Secret) -> bytes: ...
    def open(self, person_id: str, factor: SecondFactor) -> Secret:
        """Raises SecretUnavailableError("secret_unavailable")."""
        ...


class Throttle(Protocol):
    """Counts acts per subject and window."""

    def hit(self, act: str, subject: str, *, limit: int, window_seconds: int) -> None:
        """Raises TooManyRequestsError above the limit."""
        ...

    def forgive(self, act: str, subject: str, *, window_seconds: int) -> None: ...


# Tag that every mail of this context carries and every report about it brings back.
MESSAGE_TAG: Final = "kopru-message"


class Mailer(Protocol):
    """Writes a mail in the reader's language and hands it over, once, without repeating."""

    def send(
        self, message: Message, *, to: Email, name: str, company: str, link: str, code: str
    ) -> MailOutcome:
        """``link`` or ``code`` is what the mail brings; the other is empty."""
        ...


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """Where and how a browser sends one file."""

    upload_id: str
    url: str
    fields: Mapping[str, str]


class Uploads(Protocol):
    """Makes room for files of users."""

    def ticket(
        self,
        tenant_id: str,
        upload_id: str,
        *,
        filename: str,
        content_type: str,
        size: int,
        return_to: str | None,
    ) -> UploadTicket: ...


class IdentityProvider(Protocol):
    """Who proves that people are who they say: ourselves, or a provider that hosts the sign-in."""

    @property
    def is_hosted(self) -> bool:
        """Whether people can sign in there."""
        ...

    def bearer(self, token: Secret) -> ProvedIdentity | None:
        """Whose access token this is; None for a token that is not good here.

        Raises: TransientGatewayError when that cannot be found out now.
        """
        ...

    def departure(self, trip: Trip, *, again: bool) -> str:
        """The address where somebody signs in, anew if ``again``; our own form's without one."""
        ...

    def arrival(self, trip: Trip, code: Secret) -> ProvedIdentity:
        """Who came back with this code.

        Raises: UnauthorizedError("hosted_sign_in_refused"), TransientGatewayError.
        """
        ...


CodeDigest = Callable[[str, str], str]
"""Keyed hash of a mailed code for one step: a million codes could be tried on a plain one."""
Digest = Callable[[str], str]
"""One-way hash under which a token is stored."""
