"""The lists a contract's codes are chosen from (*rehber*): cards, bank accounts, deductions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from card_contracts.domain.limits import CardKind
from kernel.sensitive import Iban
from kernel.stamp import NEW, Stamp


class Issuer(StrEnum):
    """Whose card it is; cards of other banks have their own contract, because the deductions
    differ.
    """

    OWN = "own"
    OTHER_BANKS = "other_banks"


class AccountKind(StrEnum):
    """What a bank account is in the books.

    Source: Logo, "Kredi Kartı Hesabı", with a mandatory deposit account where the money lands.
    """

    CARD = "card"
    DEPOSIT = "deposit"


class DeductionType(StrEnum):
    """Type of a deduction (*Kesinti Tipi*)."""

    COMMISSION = "commission"
    TAX = "tax"
    CONTRIBUTION = "contribution"
    SERVICE = "service"
    REWARD = "reward"
    OTHER = "other"


class LookupState(StrEnum):
    """Whether it may be chosen."""

    ACTIVE = "active"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Card:
    """A kind of credit card (*Kart Kodu*)."""

    code: str
    name: str
    kind: CardKind = CardKind.CREDIT
    issuer: Issuer = Issuer.OWN
    state: LookupState = LookupState.ACTIVE
    stamp: Stamp = NEW


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account at a bank (*Banka Hesap Kodu*); a card account names where the money lands."""

    code: str
    name: str
    kind: AccountKind
    bank: str = ""
    linked_account_code: str = ""
    iban: Iban | None = None
    state: LookupState = LookupState.ACTIVE
    stamp: Stamp = NEW


@dataclass(frozen=True, slots=True)
class DeductionDefinition:
    """A deduction of a bank (*Banka Kesinti Tanımı*): code, type and bank."""

    code: str
    name: str
    type: DeductionType
    bank: str = ""
    state: LookupState = LookupState.ACTIVE
    stamp: Stamp = NEW


Lookup = Card | BankAccount | DeductionDefinition
