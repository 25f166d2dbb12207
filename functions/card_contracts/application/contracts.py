"""Register, change, lock and remove contracts (CRD-01, CRD-02, CRD-03)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, TypeVar

from card_contracts.application.context import TRIES, Scope
from card_contracts.domain.contract import Contract, ContractState, Pair, check
from card_contracts.domain.deductions import fee_percent
from card_contracts.domain.limits import CardKind, Limits, Settlement, limits_on, warnings
from card_contracts.domain.lookups import Card, LookupState
from card_contracts.domain.terms import Term
from card_contracts.ports import CardsUnit
from kernel.errors import (
    ConflictError,
    KopruError,
    PreconditionFailedError,
    Problem,
    ValidationError,
)
from kernel.money import Money
from kernel.storing import WriteRefusedError

_EXAMPLE: Final = 1_000_000
_NEXT_DAY: Final = 1
Result = TypeVar("Result")


class CheckContract:
    """Everything that is wrong with a contract; nothing is stored."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, contract: Contract) -> list[Problem]:
        return check(contract, self._scope.calendar(contract.calendar))


class RegisterContract:
    """Create a contract.

    Raises: ValidationError with everything that is wrong; ConflictError("contract_exists").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, draft: Contract, found: Sequence[Problem] = ()) -> Contract:
        """``found`` is what the edge has found wrong already, to be told together."""
        scope = self._scope
        contract = replace(draft, revision=1, effective_from=draft.starts_on)
        problems = [*found, *CheckContract(scope)(contract)]

        def attempt() -> Contract:
            pair = scope.store.pair(contract.card_code, contract.bank_account_code)
            _raise(problems, pair.conflict(contract))
            unit = scope.store.unit()
            unit.add_contract(contract)
            unit.save_pair(pair.holding(contract))
            try:
                unit.commit()
            except WriteRefusedError as error:
                if error.refused("card_contract:"):
                    raise ConflictError(
                        "contract_exists", "There is a contract with this code already."
                    ) from error
                raise
            return scope.store.contract(contract.code)

        return _repeated(attempt)


class ChangeContract:
    """Make a new revision of a contract; plans of the ones before stay as they are.

    ``effective_from`` is the first sale date of the new revision; without it, the revision corrects
    the one before for sales that are still to be posted.
    Raises: PreconditionFailedError for a stale version; ValidationError; RuleViolationError.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        code: str,
        version: int,
        draft: Contract,
        effective_from: date | None = None,
        found: Sequence[Problem] = (),
    ) -> Contract:
        """``found`` is what the edge has found wrong already, to be told together."""
        scope = self._scope
        problems = [*found, *CheckContract(scope)(replace(draft, code=code))]

        def attempt() -> Contract:
            before = _read(scope, code, version)
            after = before.revised(draft, effective_from or before.effective_from)
            after = replace(after, state=draft.state)
            same = replace(after, revision=before.revision) == before
            if same and not problems:
                return before
            unit = scope.store.unit()
            _raise(problems, _hold(scope, unit, before, after))
            detail = {
                "revision": after.revision,
                "effective_from": after.effective_from.isoformat(),
            }
            unit.save_contract(before, after, "contract.revised", detail)
            unit.commit()
            return scope.store.contract(code)

        return _repeated(attempt)


class LockContract:
    """Close a contract for collections (*Kilit*), or open it again; not a new revision."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, code: str, version: int | None, *, locked: bool) -> Contract:
        scope = self._scope
        state = ContractState.LOCKED if locked else ContractState.OPEN

        def attempt() -> Contract:
            before = _read(scope, code, version)
            if before.state is state:
                return before
            after = replace(before, state=state)
            unit = scope.store.unit()
            _raise([], _hold(scope, unit, before, after))
            unit.save_contract(
                before, after, "contract.locked" if locked else "contract.opened", {}
            )
            unit.commit()
            return scope.store.contract(code)

        return _repeated(attempt)


class RemoveContract:
    """Take a contract off the list; what was posted under it stays readable, its code taken."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, code: str, version: int) -> None:
        def attempt() -> None:
            before = _read(self._scope, code, version)
            after = replace(before, state=ContractState.REMOVED)
            unit = self._scope.store.unit()
            _hold(self._scope, unit, before, after)
            unit.save_contract(before, after, "contract.removed", {})
            unit.commit()

        _repeated(attempt)


def _read(scope: Scope, code: str, version: int | None) -> Contract:
    before = scope.store.contract(code)
    if version is not None and before.stamp.version != version:
        raise PreconditionFailedError(
            "stale_version", "Somebody changed this contract; read it again."
        )
    return before


def _hold(scope: Scope, unit: CardsUnit, before: Contract, after: Contract) -> Problem | None:
    """Write who holds the card and account now; the overlap with another contract, if any."""
    names = (after.card_code, after.bank_account_code)
    pair: Pair = scope.store.pair(*names)
    if names != (before.card_code, before.bank_account_code):
        old = scope.store.pair(before.card_code, before.bank_account_code)
        unit.save_pair(old.without(before.code))
    unit.save_pair(pair.holding(after))
    return pair.conflict(after)


def _raise(problems: list[Problem], overlap: Problem | None) -> None:
    found = [*problems, *([overlap] if overlap is not None else [])]
    if found:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=found)


def _repeated(attempt: Callable[[], Result]) -> Result:
    """Try again when somebody wrote the pair or the contract in between."""
    for _ in range(TRIES):
        try:
            return attempt()
        except WriteRefusedError:
            continue
    raise ConflictError("too_much_contention", "Others changed the same data; try again.")


# ---------------------------------------------------------------------------- warnings


def warnings_of(scope: Scope, contract: Contract) -> list[Problem]:
    """What a contract may be stored with and should not have: unknown codes, legal ceilings.

    The ceilings are those of the contract's first day; they concern single payments, and only where
    the card's kind is known.
    """
    card, account, known = scope.store.lookups_of(contract)
    limits = None
    if card is not None and any(term.holds(1) for term in contract.terms):
        table = scope.store.settings().legal_table
        limits = limits_on(table, max(contract.effective_from, contract.starts_on))
    found = []
    if card is None or card.state is LookupState.REMOVED:
        found.append(Problem("/card_code", "card_unknown", "This card is not in the list."))
    if account is None or account.state is LookupState.REMOVED:
        found.append(
            Problem("/bank_account_code", "account_unknown", "This account is not in the list.")
        )
    for position, term in enumerate(contract.terms):
        for number, one in enumerate(term.deductions):
            if one.code not in known:
                found.append(
                    Problem(
                        f"/terms/{position}/deductions/{number}/code",
                        "deduction_unknown",
                        "This deduction is not in the list.",
                    )
                )
        if card is not None and term.holds(1):
            found += [
                Problem(f"/terms/{position}", problem.code, problem.message)
                for problem in _legal(scope, contract, term, card, limits)
            ]
    for first, last in contract.gaps:
        found.append(
            Problem("/terms", "gap", f"Sales with {first} to {last} instalments are refused.")
        )
    return found


def _legal(
    scope: Scope, contract: Contract, term: Term, card: Card, limits: Limits | None
) -> list[Problem]:
    try:
        plan = contract.plan(
            contract.starts_on,
            Money(_EXAMPLE, contract.currency or "TRY"),
            1,
            scope.calendar(contract.calendar),
        )
    except KopruError:
        return []
    days = plan.days_to_money
    next_day = card.kind is CardKind.CREDIT and days <= _NEXT_DAY
    found = warnings(
        limits,
        card.kind,
        fee_percent(term.deductions),
        days,
        Settlement.NEXT_DAY if next_day else Settlement.BLOCKED,
    )
    messages = {
        "FEE_ABOVE_CEILING": "The fee is above the ceiling in force on that day.",
        "TRANSFER_TOO_LATE": f"The money comes after {days} days, later than allowed.",
    }
    return [Problem("", one.value.lower(), messages[one.value]) for one in found]
