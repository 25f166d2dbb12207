"""Confirm, undo and make matches; what the bank kept, and who is told of it (CRD-05).

Books move in the transaction in which a match becomes or stops being confirmed. A match with more
receivables than one transaction holds is marked in slices between two states; who dies on the way
leaves a row that is due, and the worker goes on with it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from card_contracts.application.context import TRIES, Scope
from card_contracts.domain.matching import by_hand
from card_contracts.domain.sale import LineStatus
from card_contracts.domain.settlement import (
    BankLine,
    LineState,
    Match,
    MatchState,
    accounts_paid_into,
    match_of,
)
from card_contracts.ports import CardsUnit, Owed
from kernel.errors import ConflictError, NotFoundError, RuleViolationError
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError

CARD_ATTENTION_RAISED: Final = "card_contracts.AttentionRaised.v1"
CARD_ATTENTION_CLEARED: Final = "card_contracts.AttentionCleared.v1"
SLICE: Final = 90
MOST_LINES: Final = 20
_SMALL: Final = 60  # lines, receivables and contracts whose marks fit one transaction
_BANK: Final = "bank"
_RECEIVABLE: Final = "card_receivable"
_DIFFERENCE: Final = "settlement_difference"


def is_small(match: Match) -> bool:
    """Whether everything about a match fits one transaction."""
    return len(match.lines) + len(match.members) + len(match.shares) <= _SMALL


def weight_of(match: Match) -> int:
    """Most writes that adding a match takes, without the counters it shares with its neighbours."""
    # The match, its history and audit; two ledger entries of two legs each.
    return 7 + len(match.lines) + len(match.members) + len(match.shares)


def _slices(members: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(members), SLICE):
        yield members[start : start + SLICE]


class Settle:
    """Moves matches between their states."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def add(self, match: Match, *, sure: bool, unit: CardsUnit) -> Match:
        """Put a new match into ``unit``; it must be committed, then ``finish`` called."""
        if not sure:
            unit.add_match(match, "match.suggested")
            unit.take_lines(match, LineState.SUGGESTED)
            return match
        after = match.to(MatchState.CONFIRMED if is_small(match) else MatchState.SETTLING)
        unit.add_match(after, f"match.{after.state}")
        self._begin(unit, after)
        return after

    def confirm(self, before: Match, unit: CardsUnit, detail: str = "match.confirmed") -> Match:
        """Put the confirmation of a stored match into ``unit``."""
        after = before.to(MatchState.CONFIRMED if is_small(before) else MatchState.SETTLING)
        unit.save_match(before, after, detail if not after.is_moving else "match.settling")
        self._begin(unit, after)
        return after

    def _begin(self, unit: CardsUnit, match: Match) -> None:
        unit.take_lines(match, LineState.MATCHED)
        if match.state is MatchState.CONFIRMED:
            unit.settle(match.members, match.id)
            self._book(unit, match, 1)

    def undo(self, before: Match, unit: CardsUnit) -> Match:
        """Put the end of a match into ``unit``."""
        small = before.state is MatchState.SUGGESTED or is_small(before)
        after = before.to(MatchState.UNDONE if small else MatchState.RELEASING)
        unit.save_match(before, after, f"match.{after.state}")
        if before.state is MatchState.CONFIRMED:
            self._book(unit, before, -1)
            if small:
                unit.release(before.members, before.id)
        if after.state is MatchState.UNDONE:
            unit.take_lines(after, LineState.OPEN)
        return after

    def finish(self, match_id: str) -> Match:
        """Go on with a match on its way, until it is confirmed or undone; again is no harm."""
        store = self._scope.store
        match = store.match(match_id)
        for _ in range(3):
            if not match.is_moving:
                return match
            try:
                if match.state is MatchState.SETTLING:
                    self._settle(match)
                else:
                    self._release(match)
            except WriteRefusedError as error:
                if error.refused("line"):
                    self._give_up(match)
                # otherwise somebody else goes on with it
            match = store.match(match_id)
        return match

    def _settle(self, match: Match) -> None:
        store = self._scope.store
        for slice_ in _slices(match.members):
            unit = store.unit()
            unit.require_match(match)
            unit.settle(slice_, match.id)
            unit.commit()
        unit = store.unit()
        after = match.to(MatchState.CONFIRMED)
        unit.save_match(match, after, "match.confirmed")
        self._book(unit, after, 1)
        unit.commit()

    def _give_up(self, match: Match) -> None:
        """One of its receivables was cancelled or paid meanwhile: free the others."""
        unit = self._scope.store.unit()
        unit.save_match(match, match.to(MatchState.RELEASING), "match.releasing")
        unit.commit()

    def _release(self, match: Match) -> None:
        store = self._scope.store
        for slice_ in _slices(match.members):
            ours = [o.expected.key for o in store.owed_of(slice_) if o.match_id == match.id]
            if ours:
                unit = store.unit()
                unit.require_match(match)
                unit.release(ours, match.id)
                unit.commit()
        unit = store.unit()
        after = match.to(MatchState.UNDONE)
        unit.save_match(match, after, "match.undone")
        unit.take_lines(after, LineState.OPEN)
        unit.commit()

    def _book(self, unit: CardsUnit, match: Match, sign: int) -> None:
        """Money came for receivables; what is not what was agreed goes to its own account."""
        account = f"settlement:{match.account}@{match.day.isoformat()}"
        key = f"{match.id}:{match.stamp.version}:{'in' if sign > 0 else 'back'}"
        for name, other, amount in (
            ("paid", _RECEIVABLE, match.paid),
            ("rest", _DIFFERENCE, -match.difference),
        ):
            signed = sign * amount
            debit, credit = (_BANK, _RECEIVABLE) if name == "paid" else (other, _RECEIVABLE)
            if signed < 0:
                debit, credit = credit, debit
            unit.post(
                account,
                f"{key}:{name}",
                debit=debit,
                credit=credit,
                amount=abs(signed),
                currency=match.currency,
            )
        for share in match.shares:
            unit.count_drift(match.month, match.currency, share, sign)


class ConfirmMatch:
    """A person agrees with a suggestion. Raises: NotFoundError; ConflictError."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, match_id: str) -> Match:
        return _moved(self._scope, match_id, MatchState.CONFIRMED)


class UndoMatch:
    """Take a match back, or turn a suggestion down: its lines and receivables are free again.

    It is never suggested again. Raises: NotFoundError; ConflictError.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, match_id: str) -> Match:
        return _moved(self._scope, match_id, MatchState.UNDONE)


def _moved(scope: Scope, match_id: str, wanted: MatchState) -> Match:
    store, settle = scope.store, Settle(scope)
    for _ in range(TRIES):
        before = settle.finish(match_id)
        if before.state is wanted:
            return before
        unit = store.unit()
        if wanted is MatchState.CONFIRMED:
            settle.confirm(before, unit)
        else:
            settle.undo(before, unit)
        _ask_drift(unit, before)
        try:
            unit.commit()
        except WriteRefusedError as error:
            _refuse_taken(error)
            continue
        after = settle.finish(match_id)
        if after.state is not wanted and wanted is MatchState.CONFIRMED:
            raise _taken()
        return after
    raise ConflictError("too_much_contention", "Others changed the same match; try again.")


def _ask_drift(unit: CardsUnit, match: Match) -> None:
    unit.enqueue("import", {"drift_month": match.month})


def _refuse_taken(error: WriteRefusedError) -> None:
    if error.refused("line") or error.refused("bank_line"):
        raise _taken() from error


def _taken() -> ConflictError:
    return ConflictError(
        "match_taken", "A line or a receivable of it was matched or cancelled meanwhile."
    )


class MatchByHand:
    """A person says what belongs together; a difference goes to its own account.

    Raises: NotFoundError; ConflictError("match_taken" | "idempotency…"); RuleViolationError.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        account: str,
        lines: Sequence[str],
        members: Sequence[str],
        command: CommandIdentity | None = None,
    ) -> Match:
        store, settle = self._scope.store, Settle(self._scope)
        if command is not None and (known := store.answered(command)) is not None:
            return settle.finish(str(known.body["id"]))
        found = [store.bank_line(account, key) for key in dict.fromkeys(lines)]
        owed = store.owed_of(list(dict.fromkeys(members)))
        self._check(account, found, owed)
        hand = by_hand([one.movement() for one in found], [one.expected for one in owed])
        made = match_of(hand, account)
        unit = store.unit()
        try:
            known_match = store.match(made.id)
        except NotFoundError:
            settle.add(made, sure=True, unit=unit)
        else:
            settle.confirm(known_match, unit)
        _ask_drift(unit, made)
        if command is not None:
            unit.remember(command, Remembered(201, {"id": made.id}, {}))
        try:
            unit.commit()
        except WriteRefusedError as error:
            if command is not None and error.refused("idempotency"):
                return settle.finish(made.id)
            raise _taken() from error
        after = settle.finish(made.id)
        if after.state is not MatchState.CONFIRMED:
            raise _taken()
        return after

    def _check(self, account: str, lines: Sequence[BankLine], owed: Sequence[Owed]) -> None:
        links = [(one.code, one.linked_account_code) for one in self._scope.store.bank_accounts()]
        accounts = accounts_paid_into(links, account)
        if any(one.bank_account_code not in accounts for one in owed):
            raise RuleViolationError(
                "card_contracts.match_account", "A receivable lands on another account."
            )
        if len(lines) > MOST_LINES:
            raise RuleViolationError(
                "card_contracts.match_lines", f"At most {MOST_LINES} lines in one match."
            )
        busy = any(one.state is not LineState.OPEN for one in lines)
        if busy or any(one.status is not LineStatus.EXPECTED for one in owed):
            raise _taken()


class SetLinesAside:
    """Say that lines have nothing to do with card contracts, and why; all of them or none.

    Raises: NotFoundError; ConflictError("match_taken"); RuleViolationError.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, names: Sequence[tuple[str, str]], reason: str) -> list[BankLine]:
        """``names`` are account and key of each line."""
        return _move_lines(
            self._scope, names, LineState.OPEN, lambda unit, line: unit.set_aside(line, reason)
        )


class TakeLinesBack:
    """Let lines wait again that were set aside; all of them or none."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, names: Sequence[tuple[str, str]]) -> list[BankLine]:
        return _move_lines(
            self._scope, names, LineState.ASIDE, lambda unit, line: unit.take_back(line)
        )


def _move_lines(
    scope: Scope,
    names: Sequence[tuple[str, str]],
    before: LineState,
    move: Callable[[CardsUnit, BankLine], None],
) -> list[BankLine]:
    chosen = list(dict.fromkeys(names))
    if len(chosen) > MOST_LINES:
        raise RuleViolationError("card_contracts.match_lines", f"At most {MOST_LINES} lines.")
    found = [scope.store.bank_line(*name) for name in chosen]
    waiting = [line for line in found if line.state is before]
    done = LineState.ASIDE if before is LineState.OPEN else LineState.OPEN
    if any(line.state not in (before, done) for line in found):
        raise _taken()
    unit = scope.store.unit()
    for line in waiting:
        move(unit, line)
    try:
        unit.commit()
    except WriteRefusedError as error:
        raise _taken() from error
    return [scope.store.bank_line(*name) for name in chosen]


class WatchDrift:
    """Tell whoever has to ask the bank, once when it begins and once when it ends."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, since: str, until: str) -> None:
        """Months ``YYYY-MM``, both included; again is no harm."""
        rules = self._scope.store.settings().drift
        for drift in self._scope.store.drifts(since, until):
            beyond = drift.is_beyond(rules)
            if beyond is drift.alarm:
                continue
            unit = self._scope.store.unit()
            unit.save_alarm(drift, beyond)
            subject = f"card_drift:{drift.month}.{drift.currency}"
            key = f"card_drift:{drift.month}:{drift.contract_code}:{drift.currency}"
            if beyond:
                unit.publish(
                    CARD_ATTENTION_RAISED,
                    subject,
                    {
                        "key": key,
                        "subject": subject,
                        "code": "commission_drift",
                        "severity": "medium",
                        "money_minor": abs(drift.difference),
                        "currency": drift.currency,
                    },
                )
            else:
                unit.publish(CARD_ATTENTION_CLEARED, subject, {"key": key, "subject": subject})
            try:
                unit.commit()
            except WriteRefusedError:
                continue  # somebody else told it
