"""Sign in with a password and an address, or the numbers of the tax office.

Known or unknown, right or wrong: one answer, one effort. Numbers may identify, never prove
(security.md §6): behind them a device that is not known yet gets a code by mail.
"""

from dataclasses import dataclass
from typing import Final

from kernel.errors import ParseError, ValidationError
from kernel.sensitive import Email, Secret, Tckn
from workspace.application.entrance import (
    PER_ACCOUNT,
    PER_SOURCE,
    WINDOW,
    Entrance,
    SignedIn,
    StepNeeded,
    sign_in_refused,
)
from workspace.application.signups import Numbers
from workspace.domain.second_factor import StepMethod
from workspace.domain.signup import check_accountant_no
from workspace.domain.user import PersonState
from workspace.ports import Account, Throttle

NOBODY: Final = Account(None, None, None)


@dataclass(frozen=True, slots=True)
class Visit:
    """From where somebody signs in: address, browser, and the mark of a device we know."""

    source_ip: str
    user_agent: str
    device: Secret | None = None


@dataclass(frozen=True, slots=True)
class SignIn:
    """Checks the password and opens a session with a new id, or the second step before it."""

    entrance: Entrance
    throttle: Throttle
    numbers: Numbers

    def __call__(
        self, email_text: str, password: Secret, *, source_ip: str, user_agent: str
    ) -> SignedIn | StepNeeded:
        """Raises: UnauthorizedError("sign_in_refused"); TooManyRequestsError after five tries for
        an account or twenty from a source in a quarter of an hour.
        """
        visit = Visit(source_ip, user_agent)
        account_key = self.entrance.digest(email_text.strip(" ").lower())
        self._count(visit, account_key)
        try:
            email = Email(email_text)
        except ParseError:
            return self._enter(NOBODY, password, visit, account_key, by_numbers=False)
        account = self.entrance.store.account(email)
        return self._enter(account, password, visit, account_key, by_numbers=False)

    def by_numbers(
        self, accountant_no: str, national_id: str, password: Secret, visit: Visit
    ) -> SignedIn | StepNeeded:
        """Raises: as above."""
        typed = f"{accountant_no.strip(' ').upper()}/{national_id.strip(' ')}"
        account_key = self.entrance.digest(typed)
        self._count(visit, account_key)
        try:
            numbers = self.numbers(check_accountant_no(accountant_no), Tckn(national_id))
        except ValidationError:
            return self._enter(NOBODY, password, visit, account_key, by_numbers=True)
        account = self.entrance.store.account_of_numbers(numbers)
        return self._enter(account, password, visit, account_key, by_numbers=True)

    def _count(self, visit: Visit, account_key: str) -> None:
        # Counted before the password is looked at: parallel guesses count too.
        self.throttle.hit(
            "sign-in-source", visit.source_ip, limit=PER_SOURCE, window_seconds=WINDOW
        )
        self.throttle.hit("sign-in", account_key, limit=PER_ACCOUNT, window_seconds=WINDOW)

    def _enter(
        self,
        account: Account,
        password: Secret,
        visit: Visit,
        account_key: str,
        *,
        by_numbers: bool,
    ) -> SignedIn | StepNeeded:
        door = self.entrance
        right = door.hasher.verify(account.password_hash, password)
        person = account.person
        if not right or person is None or person.state is not PersonState.ACTIVE:
            raise sign_in_refused()
        companies = door.companies(person)
        first = door.first_of(person, companies)
        self.throttle.forgive("sign-in-source", visit.source_ip, window_seconds=WINDOW)
        self.throttle.forgive("sign-in", account_key, window_seconds=WINDOW)
        person = door.refresh(person, companies, account.password_hash, password)
        if account.second_factor is not None and account.second_factor.is_active:
            return door.ask(person, StepMethod.TOTP)
        if by_numbers and not self._knows(visit.device, person.id):
            return door.ask(person, StepMethod.MAIL)
        return door.open(person, first, visit.user_agent)

    def _knows(self, device: Secret | None, person_id: str) -> bool:
        if device is None:
            return False
        digest = self.entrance.digest(device.reveal("look up a device"))
        return self.entrance.store.device_owner(digest) == person_id
