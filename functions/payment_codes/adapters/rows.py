"""Entities of payment codes as stored rows and back; the only place that knows attribute names."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from kernel.mail_delivery import MailState
from kernel.money import Money
from kernel.sensitive import Email
from kernel.why import Why
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import ConnectionState, Organisation, ProviderKind
from payment_codes.domain.payment import (
    STATEMENT,
    Outcome,
    Payment,
    PaymentState,
    SourcePayment,
)
from payment_codes.domain.payment_code import CodeStatus, Customer, PaymentCode, Registration
from payment_codes.domain.source import Source, SourceKind
from toolkit.aws.rows import day, day_of, instant_of, moment, stamp_of

Row = dict[str, Any]
_STORED = "store"  # reason given when a masked value is opened to be stored in its own row


# ---------------------------------------------------------------------------- organisation


def organisation_row(item: Organisation) -> Row:
    """Attributes of an organisation; its state is the connection."""
    return {
        "org_code": item.org_code,
        "provider": item.provider.value,
        "payee": item.payee,
        "language": item.language,
        "zone": item.zone,
        "branch": item.branch,
        "tolerance": item.tolerance,
        "valid_days": item.valid_days,
        "mail_on_issue": item.mail_on_issue,
        "automatic": {kind.value: wished for kind, wished in item.automatic.items()},
        "credentials_version": item.credentials_version,
        "secret_version": item.secret_version,
        "retired_at": moment(item.retired_at),
        "events_version": item.events_version,
        "events_retired_at": moment(item.events_retired_at),
    }


def organisation_from(row: Mapping[str, Any], news: Mapping[str, Any] | None) -> Organisation:
    """The organisation behind its rows."""
    return Organisation(
        id=row["id"],
        org_code=row["org_code"],
        provider=ProviderKind(row["provider"]),
        payee=row["payee"],
        language=row["language"],
        zone=row["zone"],
        branch=row["branch"],
        tolerance=row["tolerance"],
        valid_days=row["valid_days"],
        mail_on_issue=row["mail_on_issue"],
        automatic={SourceKind(kind): wished for kind, wished in row["automatic"].items()},
        credentials_version=row["credentials_version"],
        secret_version=row["secret_version"],
        retired_at=instant_of(row["retired_at"]),
        events_version=row.get("events_version", 0),
        events_retired_at=instant_of(row.get("events_retired_at")),
        connection=ConnectionState(row["state"]),
        pulled_at=instant_of((news or {}).get("pulled_at")),
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- code


def code_row(code: PaymentCode) -> Row:
    """Attributes of a code; its state is the status."""
    return {
        "code": code.code,
        "org_code": code.org_code,
        "ident": code.ident,
        "source_kind": code.source.kind.value,
        "source_id": code.source.id,
        "customer_id": code.customer.id,
        "customer_name": code.customer.name,
        "customer_email": code.customer.email.reveal(_STORED) if code.customer.email else None,
        "customer_language": code.customer.language,
        "description": code.description,
        "currency": code.currency,
        "amount": code.amount.minor if code.amount is not None else None,
        "registration": code.registration.value,
        "valid_until": day(code.valid_until),
        "was_sent": code.was_sent,
        "paid": code.paid,
        "late": code.late,
        "payments": code.payments,
        "missing": code.missing,
        "supersedes": code.supersedes,
        "superseded_by": code.superseded_by,
        "cancel_reason": code.cancel_reason,
        "provider_id": code.provider_id,
        "due_at": moment(code.due_at),
        "batch": code.batch,
        "stated_at": moment(code.stated_at),
        "qr": code.qr,
    }


def code_from(row: Mapping[str, Any], news: Mapping[str, Any] | None) -> PaymentCode:
    """The code behind its rows."""
    amount, email = row["amount"], row["customer_email"]
    return PaymentCode(
        id=row["id"],
        code=row["code"],
        org_code=row["org_code"],
        ident=row["ident"],
        source=Source(SourceKind(row["source_kind"]), row["source_id"]),
        customer=Customer(
            row["customer_id"],
            row["customer_name"],
            Email(email) if email else None,
            row["customer_language"],
        ),
        description=row["description"],
        currency=row["currency"],
        amount=Money(amount, row["currency"]) if amount is not None else None,
        status=CodeStatus(row["state"]),
        registration=Registration(row["registration"]),
        valid_until=day_of(row["valid_until"]),
        was_sent=row["was_sent"],
        paid=row["paid"],
        late=row["late"],
        payments=row["payments"],
        missing=row["missing"],
        supersedes=row["supersedes"],
        superseded_by=row["superseded_by"],
        cancel_reason=row["cancel_reason"],
        provider_id=row["provider_id"],
        pulled_at=instant_of((news or {}).get("pulled_at")),
        due_at=instant_of(row["due_at"]),
        # Codes of before these were kept have none of them.
        batch=row.get("batch", ""),
        stated_at=instant_of(row.get("stated_at")),
        qr=row.get("qr", ""),
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- payment


def payment_row(payment: Payment) -> Row:
    """Attributes of a payment; its state is whether it is booked."""
    source = payment.source
    return {
        "key": payment.key,
        "provider": payment.provider,
        "rf": source.rf,
        "value_date": day(source.value_date),
        "booked_at": moment(source.booked_at),
        "bank_code": source.bank_code,
        "bank_name": source.bank_name,
        "amount": source.amount.minor,
        "currency": source.amount.currency,
        "provider_payment_id": source.provider_payment_id,
        "payer_name": source.payer_name,
        "reversal_of": source.reversal_of,
        "outcome": payment.outcome.value,
        "received_at": moment(payment.received_at),
        "code_id": payment.code_id,
        "against": payment.against,
        "late": payment.late,
        "effect": payment.effect,
        "reason": payment.reason,
        "reversed": payment.reversed,
        "reverses": payment.reverses,
        "note": payment.note,
        "line_id": payment.line_id,
        "listed_key": payment.listed_key,
        "paid_on": day(source.paid_on),
        "part_of": payment.part_of,
        "why": [reason.to_dict() for reason in payment.why],
    }


def payment_detail(payment: Payment, organisation_id: str) -> Row:
    """What the history of a new payment says."""
    detail: Row = {
        "code_id": payment.code_id,
        "outcome": payment.outcome.value,
        "amount": payment.source.amount.minor,
        "reason": payment.reason,
    }
    if not payment.code_id and payment.provider != STATEMENT:
        # What the network said of it is kept under the organisation.
        detail["organisation_id"] = organisation_id
    return detail


def payment_from(row: Mapping[str, Any]) -> Payment:
    """The payment behind a row."""
    return Payment(
        id=row["id"],
        key=row["key"],
        provider=row["provider"],
        source=SourcePayment(
            rf=row["rf"],
            value_date=date.fromisoformat(row["value_date"]),
            booked_at=datetime.fromisoformat(row["booked_at"]),
            bank_code=row["bank_code"],
            bank_name=row["bank_name"],
            amount=Money(row["amount"], row["currency"]),
            provider_payment_id=row["provider_payment_id"],
            payer_name=row["payer_name"],
            reversal_of=row["reversal_of"],
            paid_on=day_of(row["paid_on"]),
        ),
        outcome=Outcome(row["outcome"]),
        state=PaymentState(row["state"]),
        received_at=datetime.fromisoformat(row["received_at"]),
        code_id=row["code_id"],
        against=row["against"],
        late=row["late"],
        effect=row["effect"],
        reason=row["reason"],
        reversed=row["reversed"],
        reverses=row["reverses"],
        note=row["note"],
        line_id=row["line_id"],
        listed_key=row["listed_key"],
        # Payments of before these were kept have none of them.
        part_of=row.get("part_of", ""),
        why=tuple(Why(reason["key"], reason["params"]) for reason in row.get("why", ())),
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- mail


def mail_row(mail: CodeMail) -> Row:
    """Attributes of a mail."""
    return {
        "code_id": mail.code_id,
        "to": mail.to.reveal(_STORED),
        "language": mail.language,
        "attempt_id": mail.attempt_id,
        "attempts": mail.attempts,
        "lease_until": moment(mail.lease_until),
        "next_at": moment(mail.next_at),
        "provider_id": mail.provider_id,
        "reason": mail.reason,
    }


def mail_from(row: Mapping[str, Any]) -> CodeMail:
    """The mail behind a row."""
    return CodeMail(
        id=row["id"],
        code_id=row["code_id"],
        to=Email(row["to"]),
        language=row["language"],
        state=MailState(row["state"]),
        attempt_id=row["attempt_id"],
        attempts=row["attempts"],
        lease_until=instant_of(row["lease_until"]),
        next_at=instant_of(row["next_at"]),
        provider_id=row["provider_id"],
        reason=row["reason"],
        stamp=stamp_of(row),
    )
