"""What the entry of counterparties needs: evidence, statements, links, passwords, accesses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from kernel.files import UploadedFile, UploadForm
from kernel.mailing import MailOutcome
from kernel.sensitive import Secret
from reconciliation.domain.access import PortalAccess, PortalSession
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.letter import Letter
from reconciliation.domain.portal_mail import PortalMail
from reconciliation.domain.statement_match import Match, StatementLine
from reconciliation.domain.visit import Visit

Digest = Callable[[str], str]
"""One-way hash under which a token is stored."""


@dataclass(frozen=True, slots=True)
class AccessLink:
    """Where a mail leads its reader.

    Shapes: an invitation lets the counterparty choose its password and ends at ``expires_at``;
    otherwise the link is the sign-in page with the user name filled in, and never ends.
    """

    url: str
    user_name: str
    is_invitation: bool
    expires_at: datetime | None = None


class EvidenceFiles(Protocol):
    """Uploads, and files that are kept for good."""

    def upload(self, upload_id: str) -> UploadedFile:
        """Raises NotFoundError."""
        ...

    def exists(self, upload_id: str) -> None:
        """Raises NotFoundError for an unknown upload."""
        ...

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None: ...
    def keep_evidence(self, name: str, file: UploadedFile) -> None:
        """Keep a file for good; a repeated worker changes nothing."""
        ...

    def evidence(self, name: str) -> UploadedFile:
        """Raises NotFoundError."""
        ...

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """Where a browser's own form sends one file; afterwards it goes on at ``back_to``."""
        ...


class StatementReader(Protocol):
    """Reads statements of counterparties."""

    def lines(self, file: UploadedFile) -> Iterator[tuple[int, Callable[[], StatementLine | None]]]:
        """Rows as (line of the file, read it); None is a row that is no movement.

        Raises: ValidationError for a file that is no such table; so does reading a wrong row.
        """
        ...


class MatchFiles(Protocol):
    """Lists of differences as files."""

    def write(self, matches: Iterable[Match]) -> bytes:
        """Equal lists give equal bytes."""
        ...

    def read(self, content: bytes) -> Iterator[Match]: ...


class InvitationTokens(Protocol):
    """Tokens of invitations; nothing of them is stored."""

    def token(self, tenant_id: str, access: PortalAccess) -> str: ...
    def read(self, token: str) -> tuple[str, str, int] | None:
        """Tenant, counterparty and generation; None for whatever was not made here."""
        ...


@dataclass(frozen=True, slots=True)
class PortalMailText:
    """What a mail of the portal is filled with.

    Shapes: ``link`` is its button; ``until`` is when an invitation ends; ``letter`` and ``file``
    belong to our statement after a disagreement.
    """

    counterparty: Counterparty
    sender: str
    link: str
    until: datetime | None = None
    letter: Letter | None = None
    file: UploadedFile | None = None


class PortalMailer(Protocol):
    """Writes and hands over mails of the portal."""

    def send(self, tenant_id: str, mail: PortalMail, text: PortalMailText) -> MailOutcome:
        """One attempt; never raises for what the service or the network did."""
        ...


class LetterTokens(Protocol):
    """Tokens of the pages that show one letter; nothing of them is stored."""

    def token(self, tenant_id: str, letter_id: str, counterparty_id: str, /) -> str: ...
    def read(self, token: str) -> tuple[str, str, str] | None:
        """Tenant, letter and counterparty; None for whatever was not made here."""
        ...


class SubscriptionTokens(Protocol):
    """Tokens that confirm or end a subscription; nothing of them is stored."""

    def token(self, tenant_id: str, counterparty_id: str, address: str, /) -> str: ...
    def read(self, token: str) -> tuple[str, str, str] | None:
        """Tenant, counterparty and digest of the address; None for what was not made here."""
        ...


class Tokens(Protocol):
    """Unguessable texts."""

    def new(self) -> Secret:
        """A new token of 256 bits, URL-safe."""
        ...


class UserNames(Protocol):
    """Names by which counterparties sign in."""

    def new(self) -> str:
        """A name nobody can guess from another one; taken ones are refused when they are stored."""
        ...


class PasswordHasher(Protocol):
    """Makes and checks password hashes."""

    def hash(self, password: Secret) -> str: ...
    def verify(self, password_hash: str | None, password: Secret) -> bool:
        """Whether they belong together; takes as long without a hash as with one."""
        ...


class Throttle(Protocol):
    """Counts acts per subject and window."""

    def hit(self, act: str, subject: str, *, limit: int, window_seconds: int) -> None:
        """Raises TooManyRequestsError above the limit."""
        ...

    def forgive(self, act: str, subject: str, *, window_seconds: int) -> None: ...


class AccessStore(Protocol):
    """Accesses of one tenant's counterparties."""

    def access(self, counterparty_id: str) -> PortalAccess | None: ...
    def accesses(self, counterparty_ids: Iterable[str]) -> dict[str, PortalAccess]:
        """By counterparty; who has none is absent."""
        ...

    def add(self, accesses: Sequence[PortalAccess]) -> None:
        """Add up to twenty, all or none. Raises: WriteRefusedError when one exists already, or
        somebody has its user name.
        """
        ...

    def save(
        self, before: PortalAccess, after: PortalAccess, action: str, detail: Mapping[str, Any]
    ) -> PortalAccess:
        """Raises: WriteRefusedError when it is not what was read."""
        ...

    def note_seen(self, counterparty_id: str, at: datetime) -> None:
        """When the counterparty was here last; no change of the access."""
        ...

    def note_visit(self, subject: str, visit: Visit) -> None:
        """Keep one visit a minute and kind of visitor, so that a storm of visits stays small."""
        ...

    def visits(self, subject: str) -> list[Visit]:
        """Oldest first, at most two hundred."""
        ...


class AccessDirectory(Protocol):
    """What is known before anybody knows the tenant: user names and sessions."""

    def owner_of(self, user_name: str) -> tuple[str, str] | None:
        """Tenant and counterparty."""
        ...

    def session(self, digest: str) -> PortalSession | None: ...
    def open_session(self, session: PortalSession) -> None: ...
    def touch_session(self, digest: str, at: datetime) -> None: ...
    def close_session(self, digest: str) -> None: ...
