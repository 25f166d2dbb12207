"""Tell the provider about a code, and compare its answer with ours (PAY-01).

The identification comes from us and the provider answers "exists" to a repetition, so the call may
be repeated after any failure (reliability.md R8): no claim is needed, only an end.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from payment_codes.application.connection import note_answer
from payment_codes.application.context import (
    CALL_SECONDS,
    RESERVE_SECONDS,
    Scope,
    TryAgainError,
)
from payment_codes.domain.organisation import ConnectionState, Organisation
from payment_codes.domain.payment_code import PaymentCode, Registration
from payment_codes.ports import (
    Answer,
    Created,
    KeyUnavailableError,
    Order,
    PaymentProvider,
    WriteRefusedError,
)

CODE_INCIDENT_OPENED: Final = "payment_codes.IncidentOpened.v1"
_FIRST_LOOK: Final = timedelta(seconds=60)


class RegisterCode:
    """Make a code known at the provider, or take it back there; a repeated message changes nothing.

    Raises: TryAgainError when time is short or somebody else moved the code.
    """

    def __init__(self, scope: Scope, provider: PaymentProvider) -> None:
        self._scope = scope
        self._provider = provider

    def __call__(self, code_id: str, *, remaining: Callable[[], float]) -> None:
        code = self._scope.store.code(code_id)
        organisation = self._scope.organisation()
        waiting = code.registration in (Registration.PENDING, Registration.CANCELLING)
        if not waiting or not organisation.is_online:
            return
        if organisation.connection is ConnectionState.REFUSED:
            return  # one wrong key is enough; the sweep comes again once there is a new one
        if remaining() < CALL_SECONDS + RESERVE_SECONDS:
            raise TryAgainError
        try:
            key = self._scope.store.provider_key(organisation)
        except KeyUnavailableError:
            note_answer(self._scope, organisation, Answer.CREDENTIALS)
            return
        if code.registration is Registration.PENDING:
            order = Order(code.id, code.org_code, code.ident, code.amount, code.valid_until)
            answer = self._provider.create(key, order, deadline_seconds=CALL_SECONDS)
            self._created(code, organisation, answer)
        else:
            answer = self._provider.cancel(key, code.code, deadline_seconds=CALL_SECONDS)
            if answer.answer in (Answer.OK, Answer.REFUSED):
                # Refused means that there is nothing to take back: the end is the same.
                self._save(code, organisation, Registration.CANCELLED, "code.cancelled_there")
        note_answer(self._scope, organisation, answer.answer)

    def _created(self, code: PaymentCode, organisation: Organisation, created: Created) -> None:
        if created.answer is Answer.OK and created.rf == code.code:
            known = replace(code, provider_id=created.provider_id)
            self._save(known, organisation, Registration.REGISTERED, "code.registered", code)
            self._scope.store.ask_again(code.id, self._scope.clock.now() + _FIRST_LOOK)
        elif created.answer is Answer.OK:
            # The provider made another code of the same parts: nobody may be told to pay ours.
            self._save(code, organisation, Registration.DIFFERS, "code.differs", incident="differs")
        elif created.answer is Answer.REFUSED:
            self._save(
                code, organisation, Registration.REFUSED, "code.refused_there", incident="refused"
            )

    def _save(
        self,
        code: PaymentCode,
        organisation: Organisation,
        registration: Registration,
        action: str,
        before: PaymentCode | None = None,
        incident: str = "",
    ) -> None:
        after = self._scope.with_due(replace(code, registration=registration), organisation)
        unit = self._scope.store.unit()
        unit.save_code(before or code, after, action, {})
        if incident:
            unit.publish(
                CODE_INCIDENT_OPENED,
                f"payment_code:{code.id}",
                {
                    "incident_id": self._scope.ids.new(),
                    "subject": f"payment_code:{code.id}",
                    "code": f"payment_code_{incident}",
                    "actor": "operator",
                    "count": 1,
                },
            )
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise TryAgainError from error
