"""Everything a context's bootstrap needs of AWS, made once per process from the settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kernel.clock import Clock
from kernel.ids import IdSource, SystemIds
from toolkit.aws.clients import client
from toolkit.aws.dynamodb import Database
from toolkit.aws.objects import FileStore
from toolkit.aws.outbox import Outbox
from toolkit.aws.secrets import ApplicationSecret, CredentialVault
from toolkit.aws.unit_of_work import Machinery
from toolkit.settings import CommonSettings

if TYPE_CHECKING:
    from kernel.personal_data import Register
    from toolkit.aws.privacy_keeper import PrivacyKeeper


@dataclass
class Platform:
    """Lazily built plumbing; a test passes its own clock, ids or clients."""

    settings: CommonSettings
    clock: Clock = field(default=None)  # type: ignore[assignment]
    ids: IdSource = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.clock = self.clock or self.settings.clock()
        self.ids = self.ids or SystemIds(self.clock)

    def client(self, service: str) -> Any:
        """The process's client of an AWS service."""
        return client(service)

    @cached_property
    def database(self) -> Database:
        """The six tables."""
        return Database(self.client("dynamodb"), self.settings.tables)

    @cached_property
    def machinery(self) -> Machinery:
        """What a unit of work is built from."""
        outbox = Outbox(
            self.database,
            events=_Lazy(self.client, "events"),
            queues=_Lazy(self.client, "sqs"),
            bus=self.settings.bus,
            clock=self.clock,
        )
        return Machinery(self.database, outbox, self.clock, self.ids)

    @cached_property
    def files(self) -> FileStore:
        """Uploads and exports."""
        return FileStore(self.client("s3"), self.settings.files_bucket)

    @cached_property
    def app_secret(self) -> ApplicationSecret:
        """Root of derived keys."""
        return ApplicationSecret(self.client("secretsmanager"), self.settings.app_secret)

    def csrf_key(self) -> bytes:
        """Key of form tokens: one for all contexts, because the layout of any context's page holds
        forms of ``workspace`` (sign-out, language, company).
        """
        return self.app_secret.derive("csrf")

    def cursor_key(self, context: str) -> bytes:
        """Key that seals the paging cursors of one context."""
        return self.app_secret.derive("cursor", context)

    def vault(self, context: str) -> CredentialVault:
        """Sealed credentials of one context."""
        return CredentialVault(
            self.client("kms"),
            self.database,
            key_id=self.settings.credentials_key,
            stage=self.settings.stage,
            context=context,
        )

    def person_key(self, tenant_id: str) -> bytes:
        """Key under which all contexts compare people of one company (security.md §5)."""
        return self.app_secret.derive("person-digest", tenant_id)

    def privacy_keeper(
        self, register: "Register", answer: str, queue: str, **parts: Any
    ) -> "PrivacyKeeper":
        """What a context does when a person asks; ``parts`` are its own, see ``PrivacyKeeper``."""
        from toolkit.aws.privacy_keeper import PrivacyKeeper

        return PrivacyKeeper(
            self.machinery, register, answer, queue, self.files, self.person_key, **parts
        )


class _Lazy:
    """A client made at its first call: most invocations touch neither bus nor queues."""

    def __init__(self, make: Callable[[str], Any], service: str) -> None:
        self._make = make
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(self._service), name)
