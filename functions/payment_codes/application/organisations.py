"""Enter and change the organisation, its provider and its rules (PAY-02, PAY-06)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kernel.errors import ConflictError, PreconditionFailedError
from kernel.sensitive import Secret
from kernel.signed_events import SigningKeys
from kernel.storing import WriteRefusedError
from payment_codes.application.context import Scope
from payment_codes.domain.organisation import ConnectionState, Organisation, ProviderKind
from payment_codes.domain.source import SourceKind

_SHOWN: Final = ("org_code", "provider", "payee", "language", "zone", "branch", "tolerance",
                 "valid_days", "mail_on_issue")  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrganisationFields:
    """What a user states; None leaves a member as it is (or at its default the first time)."""

    org_code: str
    provider: ProviderKind
    payee: str | None = None
    language: str | None = None
    zone: str | None = None
    branch: str | None = None
    tolerance: int | None = None
    valid_days: int | None = None
    mail_on_issue: bool | None = None
    automatic: Mapping[SourceKind, bool] | None = None
    api_key: Secret | None = None

    def stated(self) -> dict[str, object]:
        """Members that were said, without the key."""
        named = {name: getattr(self, name) for name in (*_SHOWN, "automatic")}
        return {name: value for name, value in named.items() if value is not None}


class SaveOrganisation:
    """Create or change the organisation; a new key of the interface is sealed, never shown.

    Raises: PreconditionFailedError for a stale version; ConflictError("organisation_taken").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, fields: OrganisationFields, version: int | None, name: str) -> Organisation:
        before = self._scope.store.organisation()
        unit = self._scope.store.unit()
        if before is None:
            fresh = Organisation(
                id=self._scope.tenant_id,
                org_code=fields.org_code,
                provider=fields.provider,
                payee=name,
            )
            after = self._after(fresh, fields)
            unit.add_organisation(after)
        else:
            if version is not None and version != before.stamp.version:
                raise PreconditionFailedError(
                    "stale_version", "Somebody changed the organisation; read it again."
                )
            after = self._after(before, fields)
            if after == before:
                return before
            changed = sorted(
                each for each in (*_SHOWN, "automatic", "credentials_version")
                if getattr(before, each) != getattr(after, each)
            )  # fmt: skip
            unit.save_organisation(before, after, "organisation.changed", {"fields": changed})
        if fields.api_key is not None:
            unit.seal_key(after.id, after.credentials_version, fields.api_key)
        try:
            unit.commit()
        except WriteRefusedError as error:
            if error.refused("unique:ORG"):
                raise ConflictError(
                    "organisation_taken", "This organisation code belongs to another company."
                ) from error
            raise
        return self._scope.organisation()

    @staticmethod
    def _after(before: Organisation, fields: OrganisationFields) -> Organisation:
        after = replace(before, **fields.stated())  # type: ignore[arg-type]
        if fields.api_key is not None:
            after = replace(after, credentials_version=before.credentials_version + 1)
        if not after.is_online:
            return replace(after, connection=ConnectionState.OFFLINE)
        renewed = fields.api_key is not None or before.provider is not after.provider
        if renewed or after.connection is ConnectionState.OFFLINE:
            return replace(after, connection=ConnectionState.UNTESTED)
        return after


class RenewEventSecret:
    """Make a new secret for an ERP system to sign document events with.

    The one before counts as long as a message signed with it may wait in its queue.
    """

    def __init__(self, scope: Scope, keys: SigningKeys) -> None:
        self._scope = scope
        self._keys = keys

    def __call__(self) -> Secret:
        before = self._scope.organisation()
        after = replace(
            before,
            events_version=before.events_version + 1,
            events_retired_at=self._scope.clock.now(),
        )
        unit = self._scope.store.unit()
        detail = {"version": after.events_version}
        unit.save_organisation(before, after, "organisation.event_secret_renewed", detail)
        unit.commit()
        return self._keys.secret(self._scope.tenant_id, after.events_version)


class RenewNotificationSecret:
    """Make a new secret for the provider's notifications; the old one counts for one more day."""

    def __init__(self, scope: Scope, keys: SigningKeys) -> None:
        self._scope = scope
        self._keys = keys

    def __call__(self) -> Secret:
        before = self._scope.organisation()
        after = replace(
            before, secret_version=before.secret_version + 1, retired_at=self._scope.clock.now()
        )
        unit = self._scope.store.unit()
        detail = {"version": after.secret_version}
        unit.save_organisation(before, after, "organisation.secret_renewed", detail)
        unit.commit()
        return self._keys.secret(self._scope.tenant_id, after.secret_version)
