"""The lists codes are chosen from: cards, bank accounts, deductions (CRD-01, CRD-03)."""

from dataclasses import replace

from card_contracts.application.context import Scope
from card_contracts.domain.lookups import AccountKind, BankAccount, Lookup, LookupState
from kernel.errors import (
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    Problem,
    ValidationError,
)
from kernel.storing import WriteRefusedError


class SaveLookup:
    """Add an entry, or change it when ``version`` names what was read.

    Raises: ValidationError; ConflictError("code_taken"); PreconditionFailedError; NotFoundError.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, entry: Lookup, version: int | None = None) -> Lookup:
        self._check(entry)
        store = self._scope.store
        before = store.lookup(type(entry), entry.code)
        unit = store.unit()
        if version is None:
            if before is not None and before.state is LookupState.ACTIVE:
                raise ConflictError("code_taken", "This code is in the list already.")
            if before is None:
                unit.add_lookup(entry)
            else:
                unit.save_lookup(before, entry, "lookup.restored")
        else:
            unit.save_lookup(_read(before, version), entry, "lookup.changed")
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise ConflictError("code_taken", "Somebody else wrote this code just now.") from error
        saved = store.lookup(type(entry), entry.code)
        assert saved is not None  # noqa: S101  (nothing deletes a row)
        return saved

    def _check(self, entry: Lookup) -> None:
        if not isinstance(entry, BankAccount):
            return
        problem = None
        if entry.kind is AccountKind.CARD:
            if not entry.linked_account_code:
                problem = ("required", "A card account names the account where the money lands.")
            elif entry.linked_account_code == entry.code:
                problem = ("itself", "The money lands in another account.")
            else:
                linked = self._scope.store.lookup(BankAccount, entry.linked_account_code)
                if not isinstance(linked, BankAccount) or linked.kind is not AccountKind.DEPOSIT:
                    problem = ("account_unknown", "There is no such deposit account in the list.")
        elif entry.linked_account_code:
            problem = ("unexpected", "Only a card account has a linked one.")
        if problem is not None:
            raise ValidationError(
                "invalid_input",
                "Some fields are wrong.",
                problems=[Problem("/linked_account_code", *problem)],
            )


class RemoveLookup:
    """Take an entry off its list; contracts that name it keep it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, kind: type[Lookup], code: str, version: int) -> None:
        before = _read(self._scope.store.lookup(kind, code), version)
        unit = self._scope.store.unit()
        unit.save_lookup(before, replace(before, state=LookupState.REMOVED), "lookup.removed")
        unit.commit()


def _read(before: Lookup | None, version: int) -> Lookup:
    if before is None or before.state is LookupState.REMOVED:
        raise NotFoundError("not_found", "There is no such item.")
    if before.stamp.version != version:
        raise PreconditionFailedError("stale_version", "Somebody changed this; read it again.")
    return before
