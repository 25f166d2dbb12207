"""What pensions holds about people, as data: the field register of this context.

Retention: personnel files and contributions ten years after the last change, because insured time
and premiums can be asked for that long (law 5510 art. 86, law 6098 art. 146).
"""

from typing import Final

from kernel.personal_data import (
    Basis,
    Datum,
    Expiring,
    Ground,
    Holding,
    PersonalField,
    Register,
    kept_for,
)
from pensions.domain.contribution import IN_FLIGHT as MONEY_IN_FLIGHT
from pensions.domain.employee import EmployeeStatus
from pensions.domain.transmission import FINAL, TransmissionState

ANSWERED: Final = "pensions.PrivacyAnswered.v1"
IMPORTS: Final = "@imports"
"""What a person's data was before an import, kept in the import's own rows so it can be undone."""
_READ: Final = ("pensions:employee:read", "pensions:person:reveal")
_TEN_YEARS: Final = kept_for(120, "5510 art. 86; 6098 art. 146")
_ENROLMENT: Final = Ground("pension_enrolment", Basis.LEGAL_DUTY, _TEN_YEARS, _READ)
_UNDO: Final = Ground("undo_of_imports", Basis.LEGITIMATE_INTEREST, _TEN_YEARS, _READ)
_SENT: Final = Ground("sent_to_insurer", Basis.LEGAL_DUTY, _TEN_YEARS, _READ)
_CONTRIBUTIONS: Final = Ground(
    "pension_contributions", Basis.LEGAL_DUTY, _TEN_YEARS, ("pensions:contribution:read",)
)
_S: Final = EmployeeStatus
_OPEN_PEOPLE: Final = (_S.READY, _S.SENDING, _S.UNKNOWN, _S.HELD, _S.ENROLLED)
"""Somebody in force or on the way to it cannot be forgotten before the insurer says so."""
_OF_A_PERSON: Final = {
    "national_id": Datum.NUMBER,
    "email": Datum.EMAIL,
    "mobile": Datum.PHONE,
    "first_name": Datum.NAME,
    "last_name": Datum.NAME,
    "birth_date": Datum.BIRTH,
    "gender": Datum.GENDER,
    "iban": Datum.IBAN,
    "hired_on": Datum.EMPLOYMENT,
    "policy_no": Datum.EMPLOYMENT,
}
"""What a person is described by, on the list and in what is sent."""

REGISTER: Final = Register(
    context="pensions",
    prefix="pen",
    holdings=(
        Holding(
            "employee",
            _ENROLMENT,
            (
                *(PersonalField(name, what) for name, what in _OF_A_PERSON.items()),
                PersonalField("left_on", Datum.EMPLOYMENT),
                PersonalField("raw", Datum.TEXT, {}),
            ),
            open_states=frozenset(state.value for state in _OPEN_PEOPLE),
        ),
        Holding(
            "employee",
            _UNDO,
            (PersonalField("before", Datum.TEXT, {}),),
            beside=(IMPORTS,),
            part="changes[]",
            by={"id": "employee"},
        ),
        Holding(
            "contribution",
            _CONTRIBUTIONS,
            (PersonalField("earnings", Datum.MONEY),),
            by={"employee_id": "employee"},
            open_states=frozenset(state.value for state in MONEY_IN_FLIGHT),
        ),
        Holding(
            "transmission",
            _SENT,
            tuple(PersonalField(f"c.{name}", what) for name, what in _OF_A_PERSON.items()),
            rows=("BODY",),
            part="lines[]",
            open_states=frozenset(state.value for state in set(TransmissionState) - FINAL),
            raw="exchanges/{id}/",
        ),
    ),
    expiring=(
        Expiring("raw_exchanges", _SENT, (("envelope", Datum.NUMBER),), "raw", 30),
        Expiring("payroll_files", _ENROLMENT, (("file", Datum.NUMBER),), "files", 7),
    ),
    impersonal={
        "provider_iban": "account of the insurer",
        "payer_iban": "account of the company",
        "cred_username": "masked user name of the company",
        "reason": "a code",
        "message": "a sentence that quotes no value",
        "changes": "ids and former values of an import; the values are registered",
        "outcomes": "line numbers and codes of an import",
        "lines": "frozen lines; their members are registered",
    },
)
"""The field register of pensions."""
