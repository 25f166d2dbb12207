"""Issue an API key: the secret is shown once and stored as a hash only."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from kernel.clock import Clock
from kernel.errors import Problem
from kernel.ids import IdSource
from kernel.sensitive import Secret
from kernel.text import clean_free_text
from toolkit.auth import TenantContext
from workspace.domain.api_key import VISIBLE_CHARACTERS, ApiKey, check_scopes, secret_of
from workspace.domain.problems import invalid, parsed_at
from workspace.ports import Digest, SystemStore, Tokens, WorkspaceUnit

_MAX_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class KeyMaker:
    """Makes a key inside somebody's transaction. ``live`` says whether this is a real stage."""

    ids: IdSource
    tokens: Tokens
    digest: Digest
    live: bool

    def make(
        self,
        unit: WorkspaceUnit,
        name: str,
        scopes: tuple[str, ...],
        *,
        created_by: str,
        roles: tuple[str, ...] = (),
        expires_on: date | None = None,
    ) -> tuple[ApiKey, Secret]:
        """The key and its secret; only the secret's hash is added to the unit."""
        token = self.tokens.new().reveal("make an API key")
        secret = secret_of(token, live=self.live)
        key = ApiKey(
            id=self.ids.new(),
            name=name,
            hint=secret[:VISIBLE_CHARACTERS],
            scopes=scopes,
            roles=roles,
            expires_on=expires_on,
            created_by=created_by,
        )
        return unit.add_api_key(key, self.digest(secret)), Secret(secret)


@dataclass(frozen=True, slots=True)
class IssueApiKey:
    """Issues a key of a company."""

    store: SystemStore
    clock: Clock
    keys: KeyMaker

    def __call__(
        self,
        context: TenantContext,
        *,
        issuer_may: Callable[[str], bool],
        name: str,
        scopes: Iterable[str],
        expires_on: date | None,
    ) -> tuple[ApiKey, Secret]:
        """Raises: ValidationError, ParseError; ForbiddenError("scope_exceeds_own")."""
        wanted = check_scopes(scopes, issuer_may)
        if expires_on is not None and expires_on < self.clock.now().date():
            raise invalid(Problem("/expires_on", "in_the_past", "The end is in the past."))
        unit = self.store.company(context).unit()
        key, secret = self.keys.make(
            unit, _key_name(name), wanted, created_by=context.actor, expires_on=expires_on
        )
        unit.commit()
        return key, secret


@dataclass(frozen=True, slots=True)
class IssueOperatorKey:
    """Issues a key of the operator, who opens companies and resolves incidents."""

    store: SystemStore
    keys: KeyMaker

    def __call__(self, name: str) -> tuple[ApiKey, Secret]:
        """Raises: ParseError, ValidationError for the name."""
        unit = self.store.unit("system:installer")
        key, secret = self.keys.make(
            unit, _key_name(name), (), roles=("operator",), created_by="system:installer"
        )
        unit.commit()
        return key, secret


def _key_name(name: str) -> str:
    cleaned = parsed_at("/name", lambda: clean_free_text(name, _MAX_NAME)).strip()
    if not cleaned or "\n" in cleaned:
        raise invalid(Problem("/name", "required", "Give the key a name of one line."))
    return cleaned
