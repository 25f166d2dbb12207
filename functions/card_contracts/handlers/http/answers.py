"""What entities of this context look like in answers of the API."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from card_contracts.domain.calendars import OverrideTable
from card_contracts.domain.cash_calendar import CashCalendar, Landing
from card_contracts.domain.company import CompanySettings
from card_contracts.domain.comparison import Alternative
from card_contracts.domain.contract import Contract
from card_contracts.domain.limits import Limits
from card_contracts.domain.lookups import BankAccount, Card, Lookup
from card_contracts.domain.plan import Plan
from card_contracts.domain.sale import ReceivableRow, Refund, Sale
from card_contracts.domain.settlement import (
    BankLine,
    Drift,
    DriftRules,
    LineState,
    Match,
    line_id_out,
)
from card_contracts.pages.contract_form import stamped
from kernel.approval import Gate
from kernel.money import Money
from kernel.signed_events import RefusedEvent
from kernel.storing import HistoryLine
from kernel.why import Why

Say = Callable[[Iterable[Why]], list[str]]


def plan_out(contract: Contract, plan: Plan, say: Say) -> dict[str, Any]:
    """A plan: one line per instalment and one per deduction and instalment, without zeros.

    Shapes: ``why`` is sentences in the reader's language, ``reasons`` the same as keys.
    """
    currency = plan.amount.currency
    lines: list[dict[str, Any]] = []
    for line in plan.lines:
        dated = {"no": line.no, "raw_date": line.raw.isoformat(), "date": line.pay.isoformat()}
        rows: list[tuple[str, str | None, int, tuple[Why, ...]]] = [
            ("instalment", None, line.gross, line.why_gross)
        ]
        rows += [
            ("deduction", code, amount, line.why_deductions.get(code, ()))
            for code, amount in line.deductions.items()
        ]
        for kind, code, amount, whys in rows:
            if amount:
                lines.append(
                    {
                        "kind": kind,
                        **dated,
                        "code": code,
                        "amount": Money(amount, currency).to_api(),
                        **_why((*line.why, *whys), say),
                    }
                )
    return {
        "contract_code": contract.code,
        "revision": contract.revision,
        "sold_on": plan.sold_on.isoformat(),
        "amount": plan.amount.to_api(),
        "instalments": plan.instalments,
        "lines": lines,
        "totals": plan_totals(plan),
    }


def plan_totals(plan: Plan) -> dict[str, Any]:
    """What a plan comes to."""
    currency = plan.amount.currency
    return {
        "gross": plan.amount.to_api(),
        "deductions": Money(plan.total_deductions, currency).to_api(),
        "net": Money(plan.net, currency).to_api(),
        "by_code": {code: Money(amount, currency).to_api() for code, amount in plan.totals.items()},
        "effective_rate": f"{plan.effective_percent:f}",
        "average_days": plan.average_days,
        "payments": len(plan.lines),
        "first_on": plan.lines[0].pay.isoformat(),
        "last_on": max(line.pay for line in plan.lines).isoformat(),
    }


def _why(whys: Iterable[Why], say: Say) -> dict[str, Any]:
    reasons = list(whys)
    return {"why": say(reasons), "reasons": [why.to_dict() for why in reasons]}


def alternative_out(one: Alternative) -> dict[str, Any]:
    """One contract of a comparison: what it brings, or why it cannot be sold there."""
    shown: dict[str, Any] = {
        "contract_code": one.contract.code,
        "description": one.contract.description,
        "revision": one.contract.revision,
        "totals": plan_totals(one.plan) if one.plan is not None else None,
        "refusal": None,
    }
    if one.refusal is not None:
        shown["refusal"] = {"code": one.refusal.code, "message": one.refusal.message}
    return shown


def sale_out(sale: Sale, receivables: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """A posted sale."""
    currency = sale.amount.currency
    kept = sum(sale.totals.values())
    shown = {
        "id": sale.id,
        "document_no": sale.document_no,
        "contract_code": sale.contract_code,
        "contract_revision": sale.revision,
        "bank_account_code": sale.bank_account_code,
        "sold_on": sale.sold_on.isoformat(),
        "amount": sale.amount.to_api(),
        "instalments": sale.instalments,
        "status": sale.state.value,
        "refunded": Money(sale.refunded, currency).to_api(),
        "totals": {
            "gross": sale.amount.to_api(),
            "deductions": Money(kept, currency).to_api(),
            "net": Money(sale.amount.minor - kept, currency).to_api(),
            "by_code": {code: Money(part, currency).to_api() for code, part in sale.totals.items()},
        },
        "import_id": sale.import_id or None,
        **stamped(sale.stamp),
    }
    if receivables is not None:
        shown["receivables"] = list(receivables)
    return shown


def refund_out(refund: Refund) -> dict[str, Any]:
    """A refund."""
    currency = refund.amount.currency
    return {
        "id": refund.id,
        "sale_id": refund.sale_id,
        "document_no": refund.document_no,
        "refunded_on": refund.refunded_on.isoformat(),
        "amount": refund.amount.to_api(),
        "deductions": refund.returned.value,
        "returned": {code: Money(part, currency).to_api() for code, part in refund.totals.items()},
    }


def receivable_out(row: ReceivableRow, say: Say) -> dict[str, Any]:
    """One ledger row; amounts of a refund are negative."""
    line = row.line
    return {
        "id": f"{line.origin}-{line.no}{'-' + row.code if row.code else ''}",
        "payment_id": f"{line.pay.isoformat()}.{line.origin}.{line.no:03d}",
        "sale_id": line.sale_id,
        "origin": line.kind.value,
        "document_no": line.document_no,
        "contract_code": line.contract_code,
        "contract_revision": line.revision,
        "bank_account_code": line.bank_account_code,
        "kind": row.kind,
        "no": line.no,
        "code": row.code or None,
        "raw_date": line.raw.isoformat(),
        "date": line.pay.isoformat(),
        "amount": Money(row.amount, line.currency).to_api(),
        "status": line.status.value,
        **_why(row.why, say),
    }


def _landing(landing: Landing) -> dict[str, Any]:
    return {
        "currency": landing.currency,
        "gross": Money(landing.gross, landing.currency).to_api(),
        "deductions": Money(landing.deductions, landing.currency).to_api(),
        "net": Money(landing.net, landing.currency).to_api(),
        "count": landing.lines,
    }


def cash_calendar_out(calendar: CashCalendar, since: date, until: date) -> dict[str, Any]:
    """What lands on which day and in which month, each currency for itself."""
    return {
        "from": since.isoformat(),
        "to": until.isoformat(),
        "days": [{"date": day.isoformat(), **_landing(one)} for day, one in calendar.days],
        "months": [{"month": str(month), **_landing(one)} for month, one in calendar.months],
        "totals": [_landing(one) for one in calendar.totals],
    }


def lookup_out(entry: Lookup) -> dict[str, Any]:
    """An entry of a list; the IBAN is masked."""
    shown: dict[str, Any] = {"id": entry.code, "code": entry.code, "name": entry.name}
    if isinstance(entry, Card):
        shown |= {"kind": entry.kind.value, "issuer": entry.issuer.value}
    elif isinstance(entry, BankAccount):
        shown |= {
            "kind": entry.kind.value,
            "bank": entry.bank,
            "linked_account_code": entry.linked_account_code or None,
            "iban": str(entry.iban) if entry.iban is not None else None,
        }
    else:
        shown |= {"type": entry.type.value, "bank": entry.bank}
    return {**shown, **stamped(entry.stamp)}


def overrides_out(table: OverrideTable) -> dict[str, Any]:
    """Changed days of a calendar, in order."""
    return {
        "calendar": table.name.value,
        "items": [
            {
                "date": day.isoformat(),
                "kind": one.kind.value,
                "name": one.name,
                "source": one.source,
                "entered_by": one.entered_by,
            }
            for day, one in sorted(table.days.items())
        ],
    }


def history_out(line: HistoryLine) -> dict[str, Any]:
    """One line of history."""
    return {
        "at": line.at,
        "actor": line.actor,
        "action": line.action,
        "from": line.from_state,
        "to": line.to_state,
        "detail": dict(line.detail),
    }


def refused_event_out(event: RefusedEvent) -> dict[str, Any]:
    """A refused sale event: why, never what else it says."""
    return {
        "id": event.id,
        "event_id": event.event_id,
        "document": event.document or None,
        "reason": event.reason,
        "errors": [{"pointer": pointer, "code": code} for pointer, code in event.problems],
        "status": event.state.value,
        "stated_at": event.stated_at.isoformat().replace("+00:00", "Z"),
        "received_at": event.received_at.isoformat().replace("+00:00", "Z"),
        "note": event.note or None,
    }


def settings_out(settings: CompanySettings) -> dict[str, Any]:
    """What a company decided; percentages as text."""
    rules, drift = settings.rules, settings.drift
    return {
        "matching": {
            "late_days": rules.late_days,
            "early_days": rules.early_days,
            "joined_days": rules.joined_days,
            "rounding": rules.rounding,
            "tolerance": f"{rules.tolerance:f}",
        },
        "drift": {"points": f"{drift.points:f}", "least": drift.least},
        "legal_limits": [_limits_out(row) for row in settings.limits],
        "legal_table": [
            {**_limits_out(row), "mark": row.mark or None} for row in settings.legal_table
        ],
        "sale_event_secret_version": settings.events_version,
        **stamped(settings.stamp),
    }


def _limits_out(row: Limits) -> dict[str, Any]:
    return {
        "valid_from": row.valid_from.isoformat(),
        "reference_rate": f"{row.reference_rate:f}",
        "credit_margin": f"{row.credit_margin:f}",
        "debit_fee": f"{row.debit_fee:f}",
        "credit_days": row.credit_days,
        "debit_days": row.debit_days,
        "source": row.source,
    }


def bank_line_out(line: BankLine) -> dict[str, Any]:
    """A line of an account that belongs to no match; ``again`` looks like one that does."""
    return {
        "id": line_id_out(line.account, line.key),
        "status": _LINE_STATES[line.state],
        "bank_account_code": line.account,
        "date": line.day.isoformat(),
        "amount": Money(line.amount, line.currency).to_api(),
        "text": line.text,
        "again": line.again,
        "reason": line.reason or None,
    }


_LINE_STATES: Final = {
    LineState.OPEN: "unmatched",
    LineState.SUGGESTED: "suggested",
    LineState.MATCHED: "matched",
    LineState.ASIDE: "set_aside",
}


def match_out(match: Match, say: Say) -> dict[str, Any]:
    """Lines and the receivables they pay; ``difference`` arrived too much, or too little."""
    return {
        "id": match.id,
        "version": match.stamp.version,
        "created_at": match.stamp.created_at,
        "updated_at": match.stamp.updated_at,
        "status": match.state.value,
        "kind": match.kind.value,
        "bank_account_code": match.account,
        "date": match.day.isoformat(),
        "paid": Money(match.paid, match.currency).to_api(),
        "expected": Money(match.net, match.currency).to_api(),
        "difference": Money(match.difference, match.currency).to_api(),
        "line_ids": [line_id_out(match.account, key) for key in match.lines],
        "payment_ids": [member.replace("#", ".") for member in match.members],
        "contracts": [
            {
                "contract_code": share.contract_code,
                "gross": Money(share.gross, match.currency).to_api(),
                "deductions": Money(share.kept, match.currency).to_api(),
                "difference": Money(share.difference, match.currency).to_api(),
                "payments": share.payments,
            }
            for share in match.shares
        ],
        **_why(match.why, say),
    }


def drift_out(drift: Drift, rules: DriftRules) -> dict[str, Any]:
    """What a bank kept in a month beside what was agreed; rates in percent of the gross."""
    return {
        "month": drift.month,
        "contract_code": drift.contract_code,
        "payments": drift.payments,
        "gross": Money(drift.gross, drift.currency).to_api(),
        "deductions_planned": Money(drift.kept, drift.currency).to_api(),
        "deductions_taken": Money(drift.taken, drift.currency).to_api(),
        "difference": Money(drift.difference, drift.currency).to_api(),
        "rate_planned": str(drift.planned_rate),
        "rate_taken": str(drift.taken_rate),
        "beyond_tolerance": drift.is_beyond(rules),
    }


def gate_out(gate: Gate) -> dict[str, Any]:
    """A change that waits for its approval, or was refused."""
    return {
        "state": gate.state.value,
        "approval_id": gate.approval_id or None,
        "stage": gate.stage or None,
        "reason": gate.reason or None,
        "asked_by": gate.asked_by,
    }
