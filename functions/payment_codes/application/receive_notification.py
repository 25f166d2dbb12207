"""Take a signed notification of a provider: it asks for a pull and books nothing (PAY-04).

The body only says which organisation it claims to be about, so that its secret can be found; it is
believed after the signature held, and even then only as a hint where to look. What was taken is
kept word for word after its commit: the provider repeats until it hears yes, and one copy will do.
"""

from collections.abc import Callable
from enum import StrEnum

from kernel.errors import UnauthorizedError
from kernel.exchange import ExchangeKeeper
from kernel.identifiers import rf
from kernel.signed_events import SignedMessage, SigningKeys
from kernel.storing import WriteRefusedError
from payment_codes.application.context import Scope
from payment_codes.domain.organisation import Organisation
from payment_codes.ports import DueWork, Meter


class Received(StrEnum):
    """What became of a notification."""

    TAKEN = "taken"
    REPEATED = "repeated"


class ReceiveNotification:
    """Checks one notification and asks for the list of its code.

    Raises: UnauthorizedError("webhook_signature") for anything that does not hold.
    """

    def __init__(
        self,
        directory: DueWork,
        scope_of: Callable[[str], Scope],
        keys: SigningKeys,
        meter: Meter,
        keeper_of: Callable[[str], ExchangeKeeper],
    ) -> None:
        self._directory = directory
        self._scope_of = scope_of
        self._keys = keys
        self._meter = meter
        self._keeper_of = keeper_of

    def __call__(self, provider: str, code: str, identity: str, message: SignedMessage) -> Received:
        scope, organisation = self._checked(provider, code, message)
        own = scope.store.code_by_rf(code)
        unit = scope.store.unit()
        unit.received(f"notification-{provider}", identity)
        request_id = scope.ids.new()
        if own is not None:
            unit.enqueue("pull", {"code_id": own.id, "request_id": request_id})
        else:
            # Perhaps the code's own transaction is still under way (R1), perhaps it is nobody's:
            # its list says, a moment later.
            work = {"rf": code, "request_id": request_id, "organisation_id": scope.tenant_id}
            unit.enqueue("pull", work, delay_seconds=5)
        try:
            unit.commit()
        except WriteRefusedError as error:
            if error.refused("inbox"):
                self._meter.count("NotificationsRepeated")
                return Received.REPEATED
            raise
        kept = self._keeper_of(scope.tenant_id)
        if own is not None:
            kept.keep_notice(own.id, message.body)
        else:
            kept.keep_notice(organisation.id, message.body, masked=True)
        self._meter.count("NotificationsTaken")
        return Received.TAKEN

    def _checked(
        self, provider: str, code: str, message: SignedMessage
    ) -> tuple[Scope, Organisation]:
        refusal = UnauthorizedError(
            "webhook_signature", "The signature of this notification is wrong."
        )
        owner = self._directory.tenant_of(code[4:9]) if rf.is_valid(code) else None
        if owner is None:
            self._meter.count("NotificationsForged")
            raise refusal
        scope = self._scope_of(owner)
        organisation = scope.store.organisation()
        now = scope.clock.now()
        if organisation is None or organisation.provider.value != provider:
            self._meter.count("NotificationsForged")
            raise refusal
        try:
            self._keys.check(owner, organisation.secret_versions(now), message, now)
        except UnauthorizedError:
            self._meter.count("NotificationsForged")
            raise
        return scope, organisation
