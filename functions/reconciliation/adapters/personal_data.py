"""What reconciliation holds about people, as data: the field register of this context.

A counterparty is a person only where its number is an identity number; the addresses of a company's
counterparty are those of people who work there, each a part of its own. Retention: books and their
letters ten years (TTK 82), mails one year.
"""

from typing import Final

from kernel.mail_delivery import MailState
from kernel.personal_data import (
    DROP,
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
from kernel.signed_events import RefusedState
from reconciliation.domain.access import AccessState
from reconciliation.domain.book_event import REFUSED_EVENT
from reconciliation.domain.counterparty import CounterpartyState
from reconciliation.domain.difference import CaseState
from reconciliation.domain.letter import LetterState

ANSWERED: Final = "reconciliation.PrivacyAnswered.v1"
_READ: Final = ("reconciliation:counterparty:read",)
_TEN_YEARS: Final = kept_for(120, "TTK 82; VUK 253")
_YEAR: Final = kept_for(12, "company policy")
_BOOKS: Final = Ground("balances_with_counterparties", Basis.LEGAL_DUTY, _TEN_YEARS, _READ)
_LETTERS: Final = Ground("letters_to_counterparties", Basis.CONTRACT, _TEN_YEARS, _READ)
_MAILS: Final = Ground("letters_to_counterparties", Basis.CONTRACT, _YEAR, _READ)
_PORTAL: Final = Ground("portal_of_counterparties", Basis.CONTRACT, _TEN_YEARS, _READ)
_PORTAL_MAILS: Final = Ground("portal_of_counterparties", Basis.CONTRACT, _YEAR, _READ)
_REFUSED: Final = Ground("balances_with_counterparties", Basis.LEGITIMATE_INTEREST, _YEAR, _READ)
_ANSWERS: Final = Ground("answers_of_counterparties", Basis.CLAIMS, _TEN_YEARS, _READ)
_OF_THE_CARD: Final = {"counterparty_id": "counterparty"}
_NUMBER: Final = ("party.number", Datum.NUMBER)
_NOBODY: Final = {"kind": "SPECIAL", "number": "", "special": "erased"}
_ON_THEIR_WAY: Final = frozenset({MailState.QUEUED.value, MailState.SENDING.value})
_ADDRESS: Final = (PersonalField("", Datum.EMAIL, DROP),)
_NOTE: Final = PersonalField("note", Datum.TEXT, "")
_RECIPIENT: Final = (PersonalField("to", Datum.EMAIL, ERASED_EMAIL), _NOTE)
_PARTY: Final = PersonalField("party", Datum.NUMBER, _NOBODY)
_TAX_OFFICE: Final = PersonalField("tax_office", Datum.TEXT, "")
_SIDE: Final = (_PARTY, PersonalField("name", Datum.NAME, ERASED_NAME), _TAX_OFFICE)
_SAID: Final = (PersonalField("name", Datum.NAME, ""), _NOTE)
_OPEN_CASES: Final = frozenset({CaseState.WAITING.value, CaseState.COMPARED.value})

REGISTER: Final = Register(
    context="reconciliation",
    prefix="rec",
    holdings=(
        Holding(
            "counterparty",
            _BOOKS,
            (
                _PARTY,
                PersonalField("title", Datum.NAME, ERASED_NAME),
                _TAX_OFFICE,
                PersonalField("emails", Datum.EMAIL, []),
                PersonalField("former", Datum.NUMBER),
            ),
            found_by=(_NUMBER, ("former.party.number", Datum.NUMBER)),
            living=frozenset({CounterpartyState.ACTIVE.value}),
        ),
        Holding("counterparty", _LETTERS, _ADDRESS, part="emails[]"),
        Holding("counterparty", _LETTERS, _ADDRESS, part="former.emails[]"),
        Holding("e_invoice", _BOOKS, _SIDE, part="customer", found_by=(_NUMBER,)),
        Holding("e_invoice", _BOOKS, _SIDE, part="supplier", found_by=(_NUMBER,)),
        Holding(
            "portal_access",
            _PORTAL,
            (PersonalField("password_hash", Datum.CREDENTIAL, ""),),
            by={"id": "counterparty"},
            living=frozenset(AccessState) - {AccessState.REVOKED},
        ),
        Holding(
            "portal_contacts",
            _LETTERS,
            _ADDRESS,
            part="items[]",
            found_by=(("email", Datum.EMAIL),),
            living=frozenset({"kept"}),
        ),
        Holding(
            "portal_contacts",
            _LETTERS,
            (PersonalField("items", Datum.EMAIL, []),),
            by={"id": "counterparty"},
        ),
        Holding(
            "letter",
            _LETTERS,
            (
                PersonalField("replies[].name", Datum.NAME, ""),
                PersonalField("replies[].note", Datum.TEXT, ""),
                PersonalField("mails{}[1]", Datum.TEXT, ""),
            ),
            by=_OF_THE_CARD,
            open_states=frozenset({LetterState.QUEUED.value}),
        ),
        Holding("letter_mail", _MAILS, _RECIPIENT, by=_OF_THE_CARD, open_states=_ON_THEIR_WAY),
        Holding(
            "portal_mail", _PORTAL_MAILS, _RECIPIENT, by=_OF_THE_CARD, open_states=_ON_THEIR_WAY
        ),
        Holding(
            "portal_answer",
            _ANSWERS,
            (
                *_SAID,
                PersonalField("ip", Datum.NETWORK, ""),
                PersonalField("agent", Datum.NETWORK, ""),
            ),
            by=_OF_THE_CARD,
        ),
        Holding(
            "portal_case",
            _ANSWERS,
            (PersonalField("closing_note", Datum.TEXT, ""),),
            by=_OF_THE_CARD,
            open_states=_OPEN_CASES,
        ),
        Holding(
            "portal_case",
            _ANSWERS,
            (
                PersonalField("author", Datum.NAME, ERASED_NAME),
                PersonalField("text", Datum.TEXT, ERASED_NAME),
            ),
            by=_OF_THE_CARD,
            beside=("PORTAL-NOTES",),
        ),
        Holding(
            "portal_statement",
            _ANSWERS,
            (PersonalField("filename", Datum.TEXT, ""),),
            by=_OF_THE_CARD,
        ),
        Holding(
            REFUSED_EVENT,
            _REFUSED,
            (PersonalField("payload", Datum.TEXT, ""), _NOTE),
            found_by=(
                ("payload!counterparties[].national_id", Datum.NUMBER),
                ("payload!counterparties[].emails[]", Datum.EMAIL),
            ),
            open_states=frozenset({RefusedState.WAITING.value}),
        ),
    ),
    expiring=(
        Expiring("ledger_files", _BOOKS, (("file", Datum.NAME),), "files", 7),
        Expiring("evidence_packs", _ANSWERS, (("letter", Datum.NAME),), "evidence", 3653),
        Expiring("portal_sessions", _PORTAL, (("session", Datum.NETWORK),), "edge", 1),
    ),
    impersonal={
        "sender": "the company itself, as it stands on its letters",
        "address": "address of the company itself",
        "phone": "telephone of the company itself",
        "tax_no": "tax number of the company itself",
        "user_name": "account code by which an access is named",
        "document_no": "number of a document",
        "document_date": "date of a document",
        "lines": "lines of an invoice: goods and amounts; or a count",
        "notes": "notes of an invoice",
        "reason": "a code",
        "said": "a code",
    },
)
"""The field register of reconciliation."""
