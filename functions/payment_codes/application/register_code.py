"""Tell the provider about a code, and compare its answer with ours (PAY-01).

The identification comes from us and the provider answers "exists" to a repetition, so the call may
be repeated after any failure (reliability.md R8): no claim is needed, only an end.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from kernel.exchange import ExchangeKeeper
from kernel.storing import WriteRefusedError
from payment_codes.application.connection import is_news, note_answer
from payment_codes.application.context import (
    CALL_SECONDS,
    RESERVE_SECONDS,
    TRIES,
    Scope,
    TryAgainError,
)
from payment_codes.application.issue_code import mail_by_itself
from payment_codes.domain.organisation import ConnectionState, Organisation
from payment_codes.domain.payment_code import PaymentCode, Registration
from payment_codes.ports import Answer, Created, KeyUnavailableError, Order, PaymentProvider

CODE_INCIDENT_OPENED: Final = "payment_codes.IncidentOpened.v1"
_FIRST_LOOK: Final = timedelta(seconds=60)


class RegisterCode:
    """Make a code known at the provider, or take it back there; a repeated message changes nothing.

    Every call is kept word for word before its answer is acted on: there are few, and each is what
    a dispute about a code begins with. Only one more that did not get through to a network that is
    known to be down is not.
    Raises: TryAgainError when time is short or somebody else moved the code.
    """

    def __init__(self, scope: Scope, provider: PaymentProvider, kept: ExchangeKeeper) -> None:
        self._scope = scope
        self._provider = provider
        self._kept = kept

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
        asked_at = self._scope.clock.now()
        if code.registration is Registration.PENDING:
            order = Order(code.id, code.org_code, code.ident, code.amount, code.valid_until)
            answer = self._provider.create(key, order, deadline_seconds=CALL_SECONDS)
        else:
            answer = self._provider.cancel(key, code.code, deadline_seconds=CALL_SECONDS)
        perhaps_done = answer.answer is Answer.UNKNOWN
        if answer.said is not None and (perhaps_done or is_news(organisation, answer.answer)):
            self._kept.keep(code.id, asked_at, answer.said)
        if code.registration is Registration.PENDING:
            self._created(code, organisation, answer)
        elif answer.answer in (Answer.OK, Answer.REFUSED):
            # Refused means that there is nothing to take back: the end is the same.
            self._save(code, organisation, Registration.CANCELLED, "code.cancelled_there")
        note_answer(self._scope, organisation, answer.answer)

    def _created(self, code: PaymentCode, organisation: Organisation, created: Created) -> None:
        if created.answer is Answer.OK and created.rf == code.code:
            self._save(
                code,
                organisation,
                Registration.REGISTERED,
                "code.registered",
                provider_id=created.provider_id,
                qr=created.qr,
            )
            first = self._scope.clock.now() + _FIRST_LOOK
            self._scope.store.ask_again(code.id, organisation.provider, first)
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
        *,
        provider_id: str = "",
        qr: str = "",
        incident: str = "",
    ) -> None:
        asked_as = code.registration
        for _ in range(TRIES):
            after = replace(
                code,
                registration=registration,
                provider_id=provider_id or code.provider_id,
                qr=qr or code.qr,
            )
            after = self._scope.with_due(after, organisation)
            try:
                self._commit(code, after, organisation, action, incident)
            except WriteRefusedError:
                # A payment or a mail was quicker; what the provider said of the code still holds.
                code = self._scope.store.code(code.id)
                if code.registration is not asked_as:
                    break
            else:
                return
        raise TryAgainError

    def _commit(
        self,
        before: PaymentCode,
        after: PaymentCode,
        organisation: Organisation,
        action: str,
        incident: str,
    ) -> None:
        unit = self._scope.store.unit()
        unit.save_code(before, after, action, {})
        if after.registration is Registration.REGISTERED:
            mail_by_itself(self._scope, unit, after, organisation)
        if incident:
            unit.publish(
                CODE_INCIDENT_OPENED,
                f"payment_code:{after.id}",
                {
                    "incident_id": self._scope.ids.new(),
                    "subject": f"payment_code:{after.id}",
                    "code": f"payment_code_{incident}",
                    "actor": "operator",
                    "count": 1,
                },
            )
        unit.commit()
