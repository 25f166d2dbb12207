"""What the payment network was sent and answered, word for word: masked, or in clear as an act that
is logged (WSP-02).
"""

from datetime import datetime

from kernel.errors import ConflictError
from kernel.exchange import (
    REVEALED,
    ExchangeReader,
    Exchanges,
    Keeping,
    exchanges_of,
    reveal_exchanges,
)
from kernel.storing import WriteRefusedError
from payment_codes.application.context import TRIES, Scope
from payment_codes.domain.disclosure import RevealReason
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment_code import PaymentCode, Registration


class ReadExchanges:
    """Reads the copies of one code or of the connection, and notes who sees a code's in clear."""

    def __init__(self, scope: Scope, reader: ExchangeReader) -> None:
        self._scope = scope
        self._reader = reader

    def of_code(self, code: PaymentCode) -> Exchanges:
        """Calls about one code and notifications of it; masked until ``reveal`` was called."""
        known = code.registration is not Registration.LOCAL
        called = datetime.fromisoformat(code.stamp.created_at) if known else None
        return exchanges_of(self._reader, code.id, called, self._scope.clock.now())

    def of_organisation(self, organisation: Organisation) -> Exchanges:
        """Answers to questions about all codes that were no ordinary ones, and what was said of
        codes that are none of ours. They were masked before they were written: there is no clear
        text.
        """
        now = self._scope.clock.now()
        found = exchanges_of(self._reader, organisation.id, None, now)
        if found.halves or not organisation.is_online:
            return found
        return Exchanges(Keeping.ORDINARY)

    def reveal(self, code_id: str, reason: RevealReason) -> tuple[PaymentCode, Exchanges]:
        """The copies after history and audit of the code say who looks and why.

        Raises: NotFoundError; ConflictError("exchange_not_kept" | "too_much_contention").
        """
        code = self._scope.store.code(code_id)

        def note() -> None:
            nonlocal code
            for _ in range(TRIES):
                unit = self._scope.store.unit()
                saved = unit.save_code(code, code, REVEALED, {"reason": reason.value})
                try:
                    unit.commit()
                except WriteRefusedError:
                    code = self._scope.store.code(code_id)
                    continue
                code = saved
                return
            raise ConflictError("too_much_contention", "Others changed the same code; try again.")

        found = reveal_exchanges(self.of_code(code), note)
        return code, found
