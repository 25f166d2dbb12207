"""What a company decides for itself: tolerances, legal figures, the secret of its sale events."""

from dataclasses import replace

from card_contracts.application.context import Scope
from card_contracts.domain.company import CompanySettings, check_settings
from kernel.errors import PreconditionFailedError, ValidationError
from kernel.sensitive import Secret
from kernel.signed_events import SigningKeys
from kernel.storing import WriteRefusedError


class SaveSettings:
    """Change tolerances and legal figures; what was matched and stored before stays as it is.

    Raises: ValidationError with everything that is wrong; PreconditionFailedError("stale_version").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, wished: CompanySettings, version: int) -> CompanySettings:
        """``version`` is what was read, 0 when nothing was decided yet."""
        if problems := check_settings(wished):
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
        before = self._scope.store.settings()
        if before.stamp.version != version:
            raise _stale()
        after = replace(before, rules=wished.rules, drift=wished.drift, limits=wished.limits)
        if after == before:
            return before
        changed = [
            name for name in ("rules", "drift", "limits")
            if getattr(before, name) != getattr(after, name)
        ]  # fmt: skip
        unit = self._scope.store.unit()
        detail = {"fields": changed, **_figures(after)}
        unit.save_settings(before, after, "settings.changed", detail)
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise _stale() from error
        return self._scope.store.settings()


def _figures(settings: CompanySettings) -> dict[str, object]:
    """What the settings are now, for their history."""
    rules, drift = settings.rules, settings.drift
    return {
        "late_days": rules.late_days,
        "early_days": rules.early_days,
        "joined_days": rules.joined_days,
        "rounding": rules.rounding,
        "tolerance": f"{rules.tolerance:f}",
        "points": f"{drift.points:f}",
        "least": drift.least,
        "legal_limits": [one.valid_from.isoformat() for one in settings.limits],
    }


def _stale() -> PreconditionFailedError:
    return PreconditionFailedError(
        "stale_version", "Somebody changed these settings; read them again."
    )


class RenewSaleEventSecret:
    """Make a new secret for an ERP system to sign sale events with.

    The one before counts as long as a message signed with it may wait in its queue.
    """

    def __init__(self, scope: Scope, keys: SigningKeys) -> None:
        self._scope = scope
        self._keys = keys

    def __call__(self) -> Secret:
        before = self._scope.store.settings()
        after = replace(
            before,
            events_version=before.events_version + 1,
            events_retired_at=self._scope.clock.now(),
        )
        unit = self._scope.store.unit()
        detail = {"version": after.events_version}
        unit.save_settings(before, after, "settings.event_secret_renewed", detail)
        unit.commit()
        return self._keys.secret(self._scope.tenant_id, after.events_version)
