"""What the workspace holds about people, as data: the field register of this context.

A company may have its own list of people erased; the account behind it is erased with the last
company. Sign-ups are the operator's evidence of a contract and belong to no company.
"""

from typing import Final

from kernel.personal_data import (
    ERASED_EMAIL,
    ERASED_NAME,
    Basis,
    Datum,
    Expiring,
    Ground,
    Holding,
    PersonalField,
    Register,
    kept_for,
)
from workspace.domain.message import MessageState
from workspace.domain.user import MembershipState

ANSWERED: Final = "workspace.PrivacyAnswered.v1"
ACCOUNT: Final = "@account"
"""Rows of the account of somebody who works for no company any more."""
_TEN_YEARS: Final = kept_for(120, "6098 art. 146")
_YEAR: Final = kept_for(12, "company policy")
_STAFF: Final = Ground("access_of_staff", Basis.CONTRACT, _TEN_YEARS, ("workspace:user:read",))
_MAILS: Final = Ground("mails_to_staff", Basis.CONTRACT, _YEAR, ("workspace:message:read",))
_AGREEMENT: Final = Ground(
    "agreement_with_operator", Basis.CONTRACT, _TEN_YEARS, ("operator:signup:read",)
)
_COMMANDS: Final = Ground("repeating_commands_safely", Basis.LEGITIMATE_INTEREST, _YEAR, ())
_REQUESTS: Final = Ground(
    "requests_of_people", Basis.LEGAL_DUTY, _YEAR, ("workspace:privacy:export",)
)
_RECOVERY: Final = Ground("recovery", Basis.LEGITIMATE_INTEREST, _YEAR, ())
_NAMED: Final = (
    PersonalField("email", Datum.EMAIL, ERASED_EMAIL),
    PersonalField("name", Datum.NAME, ERASED_NAME),
)
_M: Final = MessageState

REGISTER: Final = Register(
    context="workspace",
    prefix="wsp",
    holdings=(
        Holding(
            "user",
            _STAFF,
            _NAMED,
            open_states=frozenset({MembershipState.ACTIVE.value, MembershipState.INVITED.value}),
        ),
        Holding(
            "user",
            _STAFF,
            (*_NAMED, PersonalField("hash", Datum.CREDENTIAL, "")),
            by={"id": "user"},
            beside=(ACCOUNT,),
        ),
        Holding(
            "message",
            _MAILS,
            (PersonalField("to", Datum.EMAIL),),
            by={"person_id": "user"},
            open_states=frozenset(state.value for state in (_M.QUEUED, _M.SENDING, _M.UNKNOWN)),
        ),
        Holding(
            "signup",
            _AGREEMENT,
            (
                *_NAMED,
                PersonalField("tax_no", Datum.NUMBER, ""),
                PersonalField("national_id_masked", Datum.TEXT, ""),
                PersonalField("accountant_no", Datum.TEXT, ""),
                PersonalField("accepted_from", Datum.NETWORK, ""),
            ),
        ),
    ),
    expiring=(
        Expiring("sessions_and_devices", _STAFF, (("device", Datum.NETWORK),), "edge", 90),
        Expiring("answers_to_commands", _COMMANDS, (("answer", Datum.NAME),), "flow", 2),
        Expiring("copies_for_people", _REQUESTS, (("file", Datum.NUMBER),), "files", 7),
        Expiring("backups_of_tables", _RECOVERY, (("all of the above", Datum.TEXT),), "backup", 35),
    ),
    impersonal={
        "person_id": "opaque id",
        "message_id": "opaque id",
        "email_digest": "keyed hash of an address, for a quarter of an hour",
        "facts": "codes and counts of an incident",
        "note": "words of the operator about an incident or a sign-up",
        "params": "ids and codes of a mail",
        "device": "browser of a session: expires, see the register",
        "sealed": "secret of a second factor, sealed by KMS",
        "sealed_at": "an instant",
        "description": "what a company calls a webhook target",
        "reason": "a code, or words of an operator about a support access",
    },
)
"""The field register of the workspace."""
