"""Lines of bank accounts, what they were matched with, and what the bank kept of it (CRD-05).

A match goes ``suggested`` → ``confirmed`` → ``undone``; ``settling`` and ``releasing`` are on the
way, while many receivables are being marked. Books move when it becomes or stops being confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from card_contracts.domain.matching import Found, MatchKind, Movement
from card_contracts.domain.open_payments import Expected
from kernel.bank_statement import StatementEntry
from kernel.errors import ConflictError, NotFoundError, RuleViolationError
from kernel.identifiers import tckn
from kernel.ids import derived_id, is_id
from kernel.masking import mask_iban, mask_tckn
from kernel.stamp import NEW, Stamp
from kernel.why import Why

_MAX_TEXT: Final = 200
_IBAN: Final = re.compile(r"\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PAYMENT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9A-Za-z-]{26,36})\.([0-9]{3})")
_ELEVEN: Final = re.compile(r"(?<![0-9])[0-9]{11}(?![0-9])")


class LineState(StrEnum):
    """What is known about a line of the account."""

    OPEN = "open"
    SUGGESTED = "suggested"
    MATCHED = "matched"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class BankLine:
    """A line of a bank account.

    Units: ``amount`` in minor units, negative goes out. Shapes: ``id`` is made from the content;
    ``account`` is the code of the account where the money lands; ``reason`` says why it was set
    aside, because it has nothing to do with card contracts.
    """

    id: str
    account: str
    day: date
    currency: str
    amount: int
    text: str = field(repr=False)
    import_id: str = ""
    state: LineState = LineState.OPEN
    match_id: str = ""
    again: bool = False
    reason: str = field(default="", repr=False)

    @property
    def aside_id(self) -> str:
        """Under which name its history is kept: who set it aside, and who took that back."""
        return derived_id(f"card-aside/{self.account}/{self.key}")

    @property
    def key(self) -> str:
        """Order of lines: by day."""
        return f"{self.day.isoformat()}#{self.id}"

    def movement(self) -> Movement:
        """As the matcher sees it."""
        return Movement(self.key, self.day, self.currency, self.amount, self.text)


def bank_line(entry: StatementEntry, identity: str, account: str, import_id: str) -> BankLine:
    """The line of an entry; names are not kept, numbers of persons and accounts are masked."""
    parts = (*entry.remittance, entry.end_to_end_id, entry.entry_reference)
    text = " ".join(part for part in parts if part)
    text = _IBAN.sub(lambda found: mask_iban(found[0]), text)
    return BankLine(
        id=identity,
        account=account,
        day=entry.value_date,
        currency=entry.amount.currency,
        amount=entry.signed.minor,
        text=_ELEVEN.sub(_hide, text)[:_MAX_TEXT],
        import_id=import_id,
    )


def _hide(found: re.Match[str]) -> str:
    # Anything else of eleven digits is the number of a document.
    return mask_tckn(found[0]) if tckn.is_valid(found[0]) else found[0]


class MatchState(StrEnum):
    """Where a match stands."""

    SUGGESTED = "suggested"
    SETTLING = "settling"
    CONFIRMED = "confirmed"
    RELEASING = "releasing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Share:
    """What a match says about one contract.

    Units: minor units; ``difference`` arrived too much, or too little (negative).
    """

    contract_code: str
    gross: int
    kept: int
    difference: int = 0
    payments: int = 1


@dataclass(frozen=True, slots=True)
class Match:
    """Lines of an account and the receivables they pay.

    Units: ``paid`` in minor units. Shapes: ``lines`` and ``members`` are keys, in their order.
    """

    id: str
    account: str
    day: date
    currency: str
    kind: MatchKind
    state: MatchState
    lines: tuple[str, ...]
    members: tuple[str, ...]
    paid: int
    shares: tuple[Share, ...]
    why: tuple[Why, ...]
    import_id: str = ""
    stamp: Stamp = NEW

    @property
    def net(self) -> int:
        """What was to arrive."""
        return sum(share.gross - share.kept for share in self.shares)

    @property
    def difference(self) -> int:
        """What arrived too much, or too little (negative)."""
        return self.paid - self.net

    @property
    def month(self) -> str:
        """Month whose report it counts in, ``YYYY-MM``."""
        return self.day.isoformat()[:7]

    @property
    def is_moving(self) -> bool:
        """Whether its receivables are being marked."""
        return self.state in (MatchState.SETTLING, MatchState.RELEASING)

    def to(self, state: MatchState) -> Match:
        """In another state. Raises: ConflictError("match_state")."""
        if state not in _NEXT[self.state]:
            raise ConflictError(
                "match_state", f"This match is {self.state.value}; that cannot be done with it."
            )
        return replace(self, state=state)


_NEXT: Final[Mapping[MatchState, frozenset[MatchState]]] = {
    MatchState.SUGGESTED: frozenset({MatchState.SETTLING, MatchState.CONFIRMED, MatchState.UNDONE}),
    MatchState.SETTLING: frozenset({MatchState.CONFIRMED, MatchState.RELEASING}),
    MatchState.CONFIRMED: frozenset({MatchState.RELEASING, MatchState.UNDONE}),
    MatchState.RELEASING: frozenset({MatchState.UNDONE}),
    MatchState.UNDONE: frozenset({MatchState.SETTLING, MatchState.CONFIRMED}),
}


def match_of(found: Found, account: str, import_id: str = "") -> Match:
    """A suggestion; its id is made from what it puts together, so it is made once.

    Raises: RuleViolationError("card_contracts.match_mixed") for several currencies or no sides.
    """
    lines = tuple(sorted(one.id for one in found.movements))
    members = tuple(sorted(one.key for one in found.expected))
    currencies = {one.currency for one in found.movements}
    currencies |= {one.currency for one in found.expected}
    if not lines or not members or len(currencies) != 1:
        raise RuleViolationError(
            "card_contracts.match_mixed", "A match has lines and receivables of one currency."
        )
    return Match(
        id=derived_id("/".join(("card-match", account, *lines, *members))),
        account=account,
        day=max(one.day for one in found.movements),
        currency=currencies.pop(),
        kind=found.kind,
        state=MatchState.SUGGESTED,
        lines=lines,
        members=members,
        paid=found.paid,
        shares=_shares(found.expected, found.difference),
        why=found.why,
        import_id=import_id,
    )


def _shares(expected: Sequence[Expected], difference: int) -> tuple[Share, ...]:
    """By contract; a difference belongs to the contract with most of the money."""
    sums: dict[str, list[int]] = {}
    for one in expected:
        total = sums.setdefault(one.contract_code, [0, 0, 0])
        total[0] += one.gross
        total[1] += one.kept
        total[2] += 1
    largest = max(sums, key=lambda code: (abs(sums[code][0]), code))
    return tuple(
        Share(code, gross, kept, difference if code == largest else 0, count)
        for code, (gross, kept, count) in sorted(sums.items())
    )


@dataclass(frozen=True, slots=True)
class DriftRules:
    """How far deductions may be from the contract.

    Units: percentage points of the gross; minor units, below which nobody is told.
    """

    points: Decimal = Decimal("0.05")
    least: int = 100


@dataclass(frozen=True, slots=True)
class Drift:
    """What a bank kept of a contract's payments in one month, beside what was agreed.

    Units: minor units. Shapes: ``month`` is ``YYYY-MM``; ``alarm`` is whether somebody was told.
    """

    contract_code: str
    month: str
    currency: str
    gross: int
    kept: int
    difference: int
    payments: int
    alarm: bool = False

    @property
    def taken(self) -> int:
        """What the bank really kept."""
        return self.kept - self.difference

    @property
    def planned_rate(self) -> Decimal:
        """Percent of the gross that was agreed, four decimals."""
        return _percent(self.kept, self.gross)

    @property
    def taken_rate(self) -> Decimal:
        """Percent of the gross that was kept, four decimals."""
        return _percent(self.taken, self.gross)

    def is_beyond(self, rules: DriftRules | None = None) -> bool:
        """Whether somebody has to ask the bank."""
        chosen = rules or DriftRules()
        far = Decimal(abs(self.difference)) * 100 > chosen.points * abs(self.gross)
        return far and abs(self.difference) >= chosen.least


def _percent(part: int, whole: int) -> Decimal:
    if not whole:
        return Decimal(0)
    return (Decimal(part) * 100 / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def accounts_paid_into(links: Iterable[tuple[str, str]], account: str) -> frozenset[str]:
    """Codes whose receivables land on ``account``; ``links`` are (account, where it lands)."""
    return frozenset({account, *(code for code, lands in links if lands == account)})


# ---------------------------------------------------------------------------- names


def line_id_out(account: str, key: str) -> str:
    """Name of a line of an account."""
    return f"{account}.{key.replace('#', '.')}"


def line_id_in(text: str) -> tuple[str, str]:
    """Account and key behind the name of a line. Raises: NotFoundError."""
    account, _, rest = text.rpartition(".")
    account, _, day = account.rpartition(".")
    if not account or not is_id(rest) or _DAY.fullmatch(day) is None:
        raise NotFoundError("not_found", "There is no such item.")
    return account, f"{day}#{rest}"


def payment_id_in(text: str) -> str:
    """Key behind the name of a payment. Raises: NotFoundError."""
    found = _PAYMENT.fullmatch(text)
    if found is None or not is_id(found[2]):
        raise NotFoundError("not_found", "There is no such item.")
    return f"{found[1]}#{found[2]}#{found[3]}"
