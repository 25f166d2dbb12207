"""Contract between a company and one pension company (*sözleşme*), the root of everything sent
there.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kernel.rates import Rate
from kernel.sensitive import Iban
from kernel.stamp import NEW, Stamp


class ContractState(StrEnum):
    """What the contract is able to do today; derived, never stored."""

    INCOMPLETE = "incomplete"
    CREDENTIALS_MISSING = "credentials_missing"
    READY = "ready"
    CREDENTIALS_INVALID = "credentials_invalid"
    EXPIRED = "expired"


class CredentialsState(StrEnum):
    """What is known about the newest version of the web-service credentials."""

    MISSING = "missing"
    UNTESTED = "untested"
    VALID = "valid"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class CredentialTest:
    """The last attempt to log in with the credentials. ``code`` is empty when it went well."""

    at: str
    ok: bool
    code: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What may be shown of the credentials (*WS bilgileri*): never the password."""

    version: int = 0
    state: CredentialsState = CredentialsState.MISSING
    username_masked: str = ""
    updated_at: str = ""
    last_test: CredentialTest | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract with one provider.

    Units: ``min_deduction_rate`` is percent of the pensionable earnings; ``starts_on`` and
    ``ends_on`` are inclusive dates; ``pay_days`` are days of the month (1…31) on which wages are
    paid.
    Source: DES pension portal, "Yeni Sözleşme"; the number registered in payroll and the number
    here must be equal before anything is sent, because their equality is the link between payroll
    and hub.
    """

    id: str
    provider_code: str
    contract_code: str
    contract_no: str
    payroll_contract_no: str
    min_deduction_rate: Rate
    starts_on: date
    ends_on: date | None = None
    pay_days: tuple[int, ...] = ()
    provider_iban: Iban | None = None
    payer_iban: Iban | None = None
    credentials: Credentials = Credentials()
    deleted: bool = False
    stamp: Stamp = NEW

    @property
    def numbers_match(self) -> bool:
        """Whether payroll and hub speak of the same contract."""
        return self.contract_no == self.payroll_contract_no

    def state(self, today: date) -> ContractState:
        """What the contract can do on ``today`` (a date in the tenant's zone)."""
        if today < self.starts_on or not self.numbers_match:
            return ContractState.INCOMPLETE
        if self.ends_on is not None and today > self.ends_on:
            return ContractState.EXPIRED
        if self.credentials.state is CredentialsState.MISSING:
            return ContractState.CREDENTIALS_MISSING
        if self.credentials.state is CredentialsState.INVALID:
            return ContractState.CREDENTIALS_INVALID
        return ContractState.READY


def mask_username(username: str) -> str:
    """First two characters and the length of a user name, enough to recognise it."""
    return username[:2] + "•" * max(3, len(username) - 2)
