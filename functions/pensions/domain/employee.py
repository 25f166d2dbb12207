"""A person of a company under one pension contract (*personel*) and the states of enrolment.

States follow reliability.md §3; their API words are fixed in api.md. A person in flight is bound
to exactly one transmission, and what is bound cannot be edited.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError, ParseError
from kernel.rates import Rate
from kernel.sensitive import Email, Iban, Phone, Tckn
from kernel.stamp import NEW, Stamp
from pensions.domain.scope import completed_years


class EmployeeStatus(StrEnum):
    """Where one person stands (API words)."""

    DRAFT = "draft"
    INVALID = "invalid"
    READY = "ready"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ENROLLED = "enrolled"
    REJECTED = "rejected"
    OPTED_OUT = "opted_out"
    LEFT = "left"
    HELD = "held"
    DONE_ELSEWHERE = "done_elsewhere"
    CANCELLED = "cancelled"


class RevealReason(StrEnum):
    """Why somebody looks. A code, because history and audit never hold words about a person."""

    PERSON_ASKED = "person_asked"
    PAYROLL_CHECK = "payroll_check"
    INSURER_INQUIRY = "insurer_inquiry"
    AUDIT = "audit"


_S = EmployeeStatus
TRANSITIONS: Final[Mapping[EmployeeStatus, frozenset[EmployeeStatus]]] = {
    _S.DRAFT: frozenset({_S.INVALID, _S.READY, _S.CANCELLED}),
    _S.INVALID: frozenset({_S.DRAFT, _S.READY, _S.CANCELLED}),
    _S.READY: frozenset(
        {_S.SENDING, _S.HELD, _S.INVALID, _S.DRAFT, _S.CANCELLED, _S.DONE_ELSEWHERE}
    ),
    _S.HELD: frozenset({_S.READY, _S.SENDING, _S.INVALID, _S.CANCELLED, _S.DONE_ELSEWHERE}),
    _S.SENDING: frozenset({_S.ENROLLED, _S.REJECTED, _S.UNKNOWN, _S.READY, _S.HELD}),
    _S.UNKNOWN: frozenset({_S.ENROLLED, _S.REJECTED, _S.READY, _S.DONE_ELSEWHERE, _S.HELD}),
    _S.ENROLLED: frozenset({_S.OPTED_OUT, _S.LEFT}),
    _S.DONE_ELSEWHERE: frozenset({_S.ENROLLED, _S.OPTED_OUT, _S.LEFT, _S.READY}),
    # A corrected rejection is sent again as a new attempt with a new transmission; history keeps
    # both.
    _S.REJECTED: frozenset({_S.READY, _S.INVALID, _S.CANCELLED, _S.DONE_ELSEWHERE}),
    _S.OPTED_OUT: frozenset(),
    _S.LEFT: frozenset(),
    _S.CANCELLED: frozenset(),
}
EDITABLE: Final = frozenset({_S.DRAFT, _S.INVALID, _S.READY, _S.HELD, _S.REJECTED})
SENDABLE: Final = frozenset({_S.READY})
IN_FLIGHT: Final = frozenset({_S.SENDING, _S.UNKNOWN})
WITH_POLICY: Final = frozenset({_S.ENROLLED})


class ProblemActor(StrEnum):
    """Who must act on a problem."""

    USER = "user"
    OPERATOR = "operator"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class EmployeeProblem:
    """One thing wrong with one field of a person. ``message`` is English; pages translate by
    ``code``.
    """

    field: str
    code: str
    message: str
    actor: ProblemActor = ProblemActor.USER


class FundPreference(StrEnum):
    """Interest-bearing or interest-free funds (*fon tercihi*), asked at entry."""

    INTEREST = "interest"
    INTEREST_FREE = "interest_free"


@dataclass(frozen=True, slots=True)
class Employee:
    """One person. Optional values are None until payroll or the user gives them.

    Shapes: ``raw`` holds refused input by field while the state is INVALID, so that a person can
    correct it in place; it is personal data and stays in the entity row. ``transmission_id`` names
    the transmission this person is bound to while SENDING or UNKNOWN, and the last one afterwards.
    """

    id: str
    contract_id: str
    status: EmployeeStatus
    national_id: Tckn | None
    first_name: str
    last_name: str
    birth_date: date | None
    hired_on: date | None
    mobile: Phone | None = None
    gender: str | None = None
    email: Email | None = None
    iban: Iban | None = None
    left_on: date | None = None
    fund_preference: FundPreference | None = None
    contribution_rate: Rate | None = None
    policy_no: str = ""
    problems: tuple[EmployeeProblem, ...] = ()
    raw: Mapping[str, str] | None = None
    transmission_id: str = ""
    reason: str = ""
    effective_on: date | None = None
    import_id: str = ""
    stamp: Stamp = NEW

    @property
    def full_name(self) -> str:
        """First and last name as stored."""
        return f"{self.first_name} {self.last_name}".strip()

    def moved(self, status: EmployeeStatus, **changes: object) -> "Employee":
        """This person in another state.

        Raises: ConflictError("employee_transition") for a step the table does not allow.
        """
        if status is not self.status and status not in TRANSITIONS[self.status]:
            raise ConflictError(
                "employee_transition", f"A person who is {self.status} cannot become {status}."
            )
        return replace(self, status=status, **changes)  # type: ignore[arg-type]

    def editable(self) -> None:
        """Refuse an edit of what is bound to a transmission or already decided.

        Raises: ConflictError("employee_in_flight" | "employee_final").
        """
        if self.status in IN_FLIGHT:
            raise ConflictError(
                "employee_in_flight",
                "This person is being sent to the insurer and cannot be changed now.",
            )
        if self.status not in EDITABLE:
            raise ConflictError(
                "employee_final", f"A person who is {self.status} cannot be changed."
            )


REQUIRED_FIELDS: Final = (
    "national_id",
    "first_name",
    "last_name",
    "birth_date",
    "mobile",
    "hired_on",
)
FIELDS: Final = (
    *REQUIRED_FIELDS,
    "gender",
    "email",
    "iban",
    "left_on",
    "fund_preference",
    "contribution_rate",
)


@dataclass(frozen=True, slots=True)
class FieldParsers:
    """How texts become values; differs between API (ISO) and payroll files (Turkish)."""

    by_field: Mapping[str, Callable[[object], object]]


@dataclass(frozen=True, slots=True)
class CheckedFields:
    """Parsed values by field and everything that is wrong, all at once."""

    values: Mapping[str, object]
    problems: tuple[EmployeeProblem, ...]
    raw: Mapping[str, str]

    def held_to(self, minimum: Rate) -> "CheckedFields":
        """The same, with the problem of a stated rate below the contract's minimum.

        Source: Law 4632 Ek Madde 2: an employee may ask for more, never for less.
        """
        rate = self.values.get("contribution_rate")
        if not isinstance(rate, Rate) or rate >= minimum:
            return self
        low = EmployeeProblem("contribution_rate", "rate_too_low", f"At least {minimum}.")
        return replace(self, problems=(*self.problems, low))


def check_fields(given: Mapping[str, object], parsers: FieldParsers) -> CheckedFields:
    """Parse every field; collect all problems instead of stopping at the first.

    A missing required field is a problem; a missing optional one is None. Refused texts are
    returned in ``raw`` so that they can be corrected in place.
    """
    values: dict[str, object] = {}
    problems: list[EmployeeProblem] = []
    raw: dict[str, str] = {}
    for name in FIELDS:
        value = given.get(name)
        if value is None or value == "":
            values[name] = None
            if name in REQUIRED_FIELDS:
                problems.append(EmployeeProblem(name, "required", "This field is required."))
            continue
        try:
            values[name] = parsers.by_field[name](value)
        except ParseError as error:
            values[name] = None
            raw[name] = str(value)[:200]
            problems.append(EmployeeProblem(name, error.code.lower(), error.message))
    problems += _cross_checks(values)
    return CheckedFields(values, tuple(problems), raw)


def _cross_checks(values: Mapping[str, object]) -> list[EmployeeProblem]:
    problems = []
    birth, hired, left = values.get("birth_date"), values.get("hired_on"), values.get("left_on")
    if isinstance(birth, date) and isinstance(hired, date) and completed_years(birth, hired) < 14:
        problems.append(
            EmployeeProblem("birth_date", "too_young", "The hire date is before the 14th birthday.")
        )
    if isinstance(hired, date) and isinstance(left, date) and left < hired:
        problems.append(
            EmployeeProblem("left_on", "before_hire", "The leaving date is before the hire date.")
        )
    return problems
