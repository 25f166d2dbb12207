"""What payment codes hold about people, as data: the field register of this context.

Retention: documents and payments ten years (TTK 82; Greek law 4308/2014 art. 7 asks for five),
mails one year.
"""

from typing import Final

from kernel.mail_delivery import MailState
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
from kernel.signed_events import RefusedState
from payment_codes.adapters.dias.harmless import SHELF
from payment_codes.domain.payment import PaymentState
from payment_codes.domain.payment_code import PAYABLE
from payment_codes.domain.stated_document import REFUSED_EVENT
from payment_codes.domain.statement_line import LineOutcome

ANSWERED: Final = "payment_codes.PrivacyAnswered.v1"
_READ: Final = ("payment_codes:code:read",)
_TEN_YEARS: Final = kept_for(120, "TTK 82; Ν. 4308/2014 άρθ. 7")
_YEAR: Final = kept_for(12, "company policy")
_CODES: Final = Ground("collecting_payments", Basis.CONTRACT, _TEN_YEARS, _READ)
_PAYMENTS: Final = Ground("collecting_payments", Basis.LEGAL_DUTY, _TEN_YEARS, _READ)
_MAILS: Final = Ground("telling_payers", Basis.CONTRACT, _YEAR, _READ)
_REFUSED: Final = Ground("collecting_payments", Basis.LEGITIMATE_INTEREST, _YEAR, _READ)
_OF_THE_CODE: Final = {"code_id": "payment_code"}
_NOTE: Final = PersonalField("note", Datum.TEXT, "")
_PAYER: Final = (PersonalField("payer_name", Datum.NAME, ""), _NOTE)
_WAITING_LINES: Final = (LineOutcome.DIFFERS, LineOutcome.UNMATCHED)

REGISTER: Final = Register(
    context="payment_codes",
    prefix="pay",
    holdings=(
        Holding(
            "payment_code",
            _CODES,
            (
                PersonalField("customer_email", Datum.EMAIL),
                PersonalField("customer_name", Datum.NAME, ERASED_NAME),
                PersonalField("description", Datum.TEXT, ""),
            ),
            open_states=frozenset(state.value for state in PAYABLE),
            raw=f"{SHELF}/{{id}}/",
        ),
        Holding(
            "payment",
            _PAYMENTS,
            _PAYER,
            by=_OF_THE_CODE,
            open_states=frozenset({PaymentState.UNMATCHED.value}),
        ),
        Holding(
            "statement_line",
            _PAYMENTS,
            _PAYER,
            by=_OF_THE_CODE,
            open_states=frozenset(outcome.value for outcome in _WAITING_LINES),
        ),
        Holding(
            "code_mail",
            _MAILS,
            (PersonalField("to", Datum.EMAIL, ERASED_EMAIL),),
            by=_OF_THE_CODE,
            open_states=frozenset({MailState.QUEUED.value, MailState.SENDING.value}),
        ),
        Holding(
            REFUSED_EVENT,
            _REFUSED,
            (PersonalField("payload", Datum.TEXT, ""), _NOTE),
            found_by=(("payload!document.customer.email", Datum.EMAIL),),
            open_states=frozenset({RefusedState.WAITING.value}),
        ),
    ),
    expiring=(
        Expiring("network_exchanges", _PAYMENTS, (("answer", Datum.NAME),), "raw", 30),
        Expiring("batch_and_statement_files", _CODES, (("file", Datum.NAME),), "files", 7),
    ),
    impersonal={
        "bank_name": "name of a bank",
        "payee": "name of the company",
        "customer_id": "opaque id of the company's own books",
        "customer_language": "a language",
        "reason": "a code",
        "cancel_reason": "a code",
        "outcomes": "counts",
        "lines": "outcomes of lines by number",
        "payer_bank": "name of a bank",
        "end_to_end_id": "reference of a payment",
        "document": "reference of a document",
        "email": "a column of a file that expires",
        "customer": "members of a document in a file that expires",
    },
)
"""The field register of payment codes."""
