"""Targets of webhooks: made, read, changed, given a new secret, withdrawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from kernel.clock import Clock
from kernel.errors import ConflictError
from kernel.ids import IdSource
from kernel.sensitive import Secret
from toolkit.auth import TenantContext
from workspace.application.tenants import stale_version
from workspace.domain.webhook import (
    MAX_ENDPOINTS,
    ROTATION,
    Endpoint,
    changed,
    check_description,
    check_filters,
    check_url,
    removed,
    rotated,
)
from workspace.ports import WebhookStore

NewSecret = Callable[[], Secret]
"""Makes a secret ``whsec_…``."""


@dataclass(frozen=True, slots=True)
class AddEndpoint:
    """Adds a target; its secret is given back once and stored sealed."""

    store: WebhookStore
    ids: IdSource
    new_secret: NewSecret
    allow_local: bool

    def __call__(
        self, context: TenantContext, *, url: str, events: Sequence[str], description: str
    ) -> tuple[Endpoint, Secret]:
        """Raises: ValidationError; ConflictError("endpoints_full")."""
        endpoint = Endpoint(
            self.ids.new(),
            check_url(url, allow_local=self.allow_local),
            check_filters(events),
            check_description(description),
        )
        webhooks = self.store.company(context)
        if len(webhooks.endpoints()) >= MAX_ENDPOINTS:
            raise ConflictError("endpoints_full", f"A company has at most {MAX_ENDPOINTS} targets.")
        secret = self.new_secret()
        unit = webhooks.unit()
        saved = unit.add_endpoint(endpoint, secret)
        unit.commit()
        return saved, secret


@dataclass(frozen=True, slots=True)
class ListEndpoints:
    """All targets of a company."""

    store: WebhookStore

    def __call__(self, context: TenantContext) -> list[Endpoint]:
        """Oldest first."""
        return self.store.company(context).endpoints()


@dataclass(frozen=True, slots=True)
class ReadEndpoint:
    """One target."""

    store: WebhookStore

    def __call__(self, context: TenantContext, endpoint_id: str) -> Endpoint:
        """Raises: NotFoundError."""
        return self.store.company(context).endpoint(endpoint_id)


@dataclass(frozen=True, slots=True)
class ChangeEndpoint:
    """Changes address, events, description, or switches a target on and off."""

    store: WebhookStore
    allow_local: bool

    def __call__(
        self,
        context: TenantContext,
        endpoint_id: str,
        *,
        expected_version: int,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
    ) -> Endpoint:
        """What waited while it was off is sent when it is on again.

        Raises: NotFoundError, PreconditionFailedError("stale_version"), ValidationError.
        """
        webhooks = self.store.company(context)
        before = webhooks.endpoint(endpoint_id)
        if before.stamp.version != expected_version:
            raise stale_version()
        after = changed(
            before,
            url=None if url is None else check_url(url, allow_local=self.allow_local),
            events=None if events is None else check_filters(events),
            description=None if description is None else check_description(description),
            enabled=enabled,
        )
        if after == before:
            return before
        unit = webhooks.unit()
        saved = unit.save_endpoint(before, after, "webhook_endpoint.changed")
        if after.enabled and not before.enabled:
            unit.order_waking(endpoint_id)
        unit.commit()
        return saved


@dataclass(frozen=True, slots=True)
class RotateSecret:
    """Gives a target a new secret; for a while both sign."""

    store: WebhookStore
    clock: Clock
    new_secret: NewSecret

    def __call__(
        self, context: TenantContext, endpoint_id: str, *, overlap: timedelta = ROTATION
    ) -> tuple[Endpoint, Secret]:
        """Raises: NotFoundError, ConflictError("rotation_running")."""
        webhooks = self.store.company(context)
        before = webhooks.endpoint(endpoint_id)
        after = rotated(before, self.clock.now(), overlap)
        secret = self.new_secret()
        unit = webhooks.unit()
        saved = unit.save_endpoint(before, after, "webhook_endpoint.rotated", secret=secret)
        unit.commit()
        return saved, secret


@dataclass(frozen=True, slots=True)
class RemoveEndpoint:
    """Withdraws a target; what still waited for it is not sent."""

    store: WebhookStore

    def __call__(self, context: TenantContext, endpoint_id: str) -> None:
        """Raises: NotFoundError."""
        webhooks = self.store.company(context)
        before = webhooks.endpoint(endpoint_id)
        unit = webhooks.unit()
        unit.save_endpoint(before, removed(before), "webhook_endpoint.removed")
        # Whatever waits is looked at once more, and given up.
        unit.order_waking(endpoint_id)
        unit.commit()
