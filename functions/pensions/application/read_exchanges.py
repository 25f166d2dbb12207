"""What one call to an insurer said, word for word: masked, or in clear as an act that is logged."""

from kernel.errors import ConflictError, NotFoundError
from kernel.exchange import REVEALED, ExchangeReader, Exchanges, exchanges_of, reveal_exchanges
from pensions.application.context import Scope
from pensions.domain.employee import RevealReason
from pensions.domain.transmission import Transmission


class ReadExchanges:
    """Reads the copies of one transmission, and notes who sees them in clear."""

    def __init__(self, scope: Scope, reader: ExchangeReader) -> None:
        self._scope = scope
        self._reader = reader

    def transmission(self, transmission_id: str) -> Transmission:
        """One call. Raises: NotFoundError."""
        found = self._scope.store.transmission(transmission_id)
        if found is None:
            raise NotFoundError("not_found", "There is no such item.")
        return found

    def __call__(self, transmission: Transmission) -> Exchanges:
        """The copies; their texts are masked until ``reveal`` was called."""
        return exchanges_of(
            self._reader, transmission.id, transmission.sent_at, self._scope.clock.now()
        )

    def reveal(self, transmission: Transmission, reason: RevealReason) -> Exchanges:
        """The copies after history and audit of the call say who looks and why.

        Raises: ConflictError("exchange_under_way") while a worker holds the call: a note would
        take the call's next state from it; ConflictError("exchange_not_kept").
        """
        lease = transmission.lease
        if lease is not None and self._scope.clock.now() < lease:
            raise ConflictError(
                "exchange_under_way", "The call is under way; look when it has ended."
            )

        def note() -> None:
            unit = self._scope.store.unit()
            unit.save_transmission(transmission, transmission, REVEALED, {"reason": reason.value})
            unit.commit()

        return reveal_exchanges(self(transmission), note)
