"""One line of a statement: agree it with a payment, book it, or keep it as a difference (PAY-03).

Line, payment, code, ledger and the note of who saw the payment are one transaction, guarded by the
line's id and by the number of the code's sightings: the provider's list and the bank cannot both
take the same payment for a new one, in whatever order they come.
"""

from dataclasses import replace
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from kernel.errors import ConflictError, NotFoundError
from kernel.storing import WriteRefusedError
from payment_codes.application.book_payment import book_payment
from payment_codes.application.connection import CODE_ATTENTION_CLEARED, CODE_ATTENTION_RAISED
from payment_codes.application.context import TRIES, Scope, TryAgainError
from payment_codes.domain.payment import (
    STATEMENT,
    Outcome,
    Payment,
    PaymentState,
    SourcePayment,
)
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.domain.statement_line import (
    LineOutcome,
    Settlement,
    Sighting,
    Sightings,
    StatementLine,
    Verdict,
    decide_line,
)
from payment_codes.ports import PaymentsUnit

_UNKNOWN: Final = "unknown"


class PostLine:
    """Decides a line and writes what it means, once."""

    def __init__(self, scope: Scope, settlement: Settlement) -> None:
        self._scope = scope
        self._settlement = settlement

    def __call__(self, draft: StatementLine, *, unclear: str = "") -> StatementLine:
        """The line as it stands; one that was here before is given back as it is.

        Shapes: ``unclear`` says why nobody can know the code of the line.
        Raises: TryAgainError when others changed the same code too often.
        """
        for _ in range(TRIES):
            known = self._scope.store.line(draft.id)
            if known is not None:
                return known
            try:
                return self._decide(draft, unclear)
            except WriteRefusedError:
                continue
        raise TryAgainError

    def _decide(self, draft: StatementLine, unclear: str) -> StatementLine:
        store = self._scope.store
        unit = store.unit()
        if not unclear and draft.reversal and not draft.takes_back:
            unclear = "reversal_of_debit"
        if unclear:
            return self._differ(unit, draft, Verdict(LineOutcome.DIFFERS, None, unclear))
        code = store.code_by_rf(draft.rf)
        draft = replace(draft, code_id=code.id if code is not None else "")
        seen = store.sightings(draft.rf)
        verdict = decide_line(draft, seen, self._settlement)
        if verdict.outcome is LineOutcome.DIFFERS:
            return self._differ(unit, draft, verdict)
        if verdict.sighting is not None:
            return self._agree(unit, draft, seen, verdict)
        return self._book(unit, draft, code, seen)

    def _differ(self, unit: PaymentsUnit, draft: StatementLine, verdict: Verdict) -> StatementLine:
        """Keep the line for a person; no money moves."""
        payment_id = verdict.sighting.payment_id if verdict.sighting is not None else ""
        line = replace(
            draft, outcome=LineOutcome.DIFFERS, reason=verdict.reason, payment_id=payment_id
        )
        unit.add_line(line)
        subject = f"statement_line:{line.id}"
        unit.publish(
            CODE_ATTENTION_RAISED,
            subject,
            {
                "key": subject,
                "subject": subject,
                "code": f"statement_{line.reason}",
                "severity": "high",
                "money_minor": line.amount.minor,
                "currency": line.amount.currency,
            },
        )
        unit.commit()
        return line

    def _agree(
        self, unit: PaymentsUnit, draft: StatementLine, seen: Sightings, verdict: Verdict
    ) -> StatementLine:
        """The payment is known; the line is its second side, or that side once more."""
        assert verdict.sighting is not None  # noqa: S101  (the caller asked)
        sighting = verdict.sighting
        line = replace(draft, outcome=verdict.outcome, payment_id=sighting.payment_id)
        unit.add_line(line)
        if verdict.outcome is LineOutcome.AGREED:
            self.attach(unit, line)
        unit.sight(line.rf, seen, sighting.with_line(line))
        unit.commit()
        return line

    def attach(self, unit: PaymentsUnit, line: StatementLine) -> None:
        """Note on the payment that the bank shows it."""
        payment = self._scope.store.payment(line.payment_id)
        shown = replace(payment, line_id=line.id)
        unit.save_payment(payment, shown, "payment.on_statement", {"line_id": line.id})

    def _book(
        self,
        unit: PaymentsUnit,
        draft: StatementLine,
        code: PaymentCode | None,
        seen: Sightings,
    ) -> StatementLine:
        line, payment = self.booked(unit, draft, code)
        unit.add_line(line)
        unit.sight(line.rf, seen, self.sighting(line, payment))
        unit.commit()
        return line

    def booked(
        self, unit: PaymentsUnit, draft: StatementLine, code: PaymentCode | None
    ) -> tuple[StatementLine, Payment]:
        """Book the line's money like any other payment; the line says what became of it."""
        original = self._original(draft, code) if draft.takes_back and code is not None else None
        payment = book_payment(self._scope, unit, self._payment(draft, original), code, original)
        matched = payment.state is not PaymentState.UNMATCHED
        line = replace(
            draft,
            outcome=LineOutcome.BOOKED if matched else LineOutcome.UNMATCHED,
            reason=payment.reason,
            payment_id=payment.id,
            code_id=payment.code_id,
        )
        return line, payment

    @staticmethod
    def sighting(line: StatementLine, payment: Payment) -> Sighting:
        """The payment as only the bank saw it so far."""
        return Sighting(payment.id, line.amount, line.takes_back).with_line(line)

    def _payment(self, line: StatementLine, original: Payment | None) -> Payment:
        zone = self._scope.organisation().zone
        noon = datetime.combine(line.booking_date, time(12), ZoneInfo(zone))
        accepted = datetime.fromisoformat(line.accepted_at) if line.accepted_at else None
        first = min(line.booking_date, line.value_date)
        taken_back = ""
        if line.takes_back:
            known = original.source.provider_payment_id if original is not None else ""
            taken_back = known or (original.id if original is not None else _UNKNOWN)
        source = SourcePayment(
            rf=line.rf,
            value_date=line.value_date,
            booked_at=accepted or noon,
            bank_code=line.payer_bank,
            bank_name="",
            amount=line.amount,
            payer_name=line.payer_name,
            reversal_of=taken_back,
            # Without the instant of the order the payer has the benefit of the closed days before.
            paid_on=None if accepted is not None else self._settlement.earliest(first),
        )
        return Payment(
            id=self._scope.ids.new(),
            key=f"line-{line.id}",
            provider=STATEMENT,
            source=source,
            outcome=Outcome.UNMATCHED,
            state=PaymentState.UNMATCHED,
            received_at=self._scope.clock.now(),
            line_id=line.id,
        )

    def _original(self, line: StatementLine, code: PaymentCode) -> Payment | None:
        """The payment that a returned amount was: the same id, else the latest of this amount."""
        found = [
            payment
            for payment in self._scope.store.payments(code.id)
            if payment.effect - payment.reversed >= line.amount.minor > 0
        ]
        named = [each for each in found if each.source.provider_payment_id in line.references]
        equal = [each for each in found if each.effect == line.amount.minor]
        candidates = named or equal
        return max(candidates, key=lambda each: (each.source.booked_at, each.id), default=None)


class ResolveDifference:
    """A person decides about a line that could not be agreed: another payment, or the same one."""

    def __init__(self, scope: Scope, post: PostLine) -> None:
        self._scope = scope
        self._post = post

    def __call__(self, line_id: str, decision: str, note: str) -> StatementLine:
        """Shapes: ``decision`` is ``book`` (new money) or ``same`` (known already, nothing moves).

        Raises: NotFoundError, ConflictError("difference_settled" | "cannot_be_booked" |
        "too_much_contention").
        """
        for _ in range(TRIES):
            line = self._scope.store.line(line_id)
            if line is None:
                raise NotFoundError("not_found", "There is no such item.")
            if line.outcome is not LineOutcome.DIFFERS:
                raise ConflictError("difference_settled", "Somebody decided about this already.")
            try:
                return self._resolve(line, decision, note)
            except WriteRefusedError:
                continue
        raise ConflictError("too_much_contention", "Others changed the same data; try again.")

    def _resolve(self, line: StatementLine, decision: str, note: str) -> StatementLine:
        store = self._scope.store
        unit = store.unit()
        before, line = line, replace(line, note=note)
        if decision == "book":
            if not line.rf or (line.reversal and not line.takes_back):
                raise ConflictError(
                    "cannot_be_booked", "Nobody can know which payment this line is."
                )
            seen = store.sightings(line.rf)
            after, payment = self._post.booked(unit, line, store.code_by_rf(line.rf))
            unit.sight(line.rf, seen, self._post.sighting(line, payment))
        else:
            after = replace(line, outcome=LineOutcome.KNOWN)
            if line.payment_id:
                seen = store.sightings(line.rf)
                (sighting,) = [s for s in seen.items if s.payment_id == line.payment_id]
                if not sighting.line_id:
                    self._post.attach(unit, line)
                    unit.sight(line.rf, seen, sighting.with_line(line))
        saved = unit.save_line(before, after, f"line.decided_{decision}")
        subject = f"statement_line:{line.id}"
        unit.publish(CODE_ATTENTION_CLEARED, subject, {"key": subject, "subject": subject})
        unit.commit()
        return saved
