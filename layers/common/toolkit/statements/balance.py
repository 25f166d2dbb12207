"""Opening balance plus entries must be the closing balance: the proof that nothing is missing."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bank_statement import Place, StatementEntry, StatementProblem
from kernel.money import Money


@dataclass(slots=True)
class RunningBalance:
    """The balance of one statement while it is read."""

    opening: Money | None = None
    closing: Money | None = None
    total: int = 0
    entries: int = 0
    currency: str = ""
    mixed: bool = False
    unreadable: int = 0

    def add(self, entry: StatementEntry) -> None:
        """Count a movement of the account."""
        self.move(entry.signed)

    def move(self, signed: Money) -> None:
        """Count an entry by its amount as it moves the balance."""
        self.entries += 1
        self.total += signed.minor
        self.mixed = self.mixed or self.currency not in ("", signed.currency)
        self.currency = self.currency or signed.currency

    def problem(self, place: Place) -> StatementProblem | None:
        """What does not add up, once the statement is read; None without two balances.

        An entry that could not be read was told already and would only make this a second time.
        """
        if self.opening is None or self.closing is None or self.unreadable:
            return None
        names = {self.opening.currency, self.closing.currency, self.currency} - {""}
        if self.mixed or len(names) > 1:
            return StatementProblem(
                place, "currency_mixed", "Balances and entries are not of one currency."
            )
        if self.opening.minor + self.total != self.closing.minor:
            return StatementProblem(
                place,
                "balance_mismatch",
                "The opening balance and the entries do not give the closing balance.",
            )
        return None
