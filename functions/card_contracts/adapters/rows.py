"""Entities of card contracts as stored rows and back; the only place that knows attribute names."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from card_contracts.domain.calendars import CalendarFeed, OverrideTable
from card_contracts.domain.company import CompanySettings
from card_contracts.domain.contract import CalendarName, Contract, ContractState, Holder, Pair
from card_contracts.domain.deductions import Basis, Deduction, Kind, Timing
from card_contracts.domain.limits import CardKind, Limits
from card_contracts.domain.lookups import (
    AccountKind,
    BankAccount,
    Card,
    DeductionDefinition,
    DeductionType,
    Issuer,
    LookupState,
)
from card_contracts.domain.matching import Rules
from card_contracts.domain.sale import (
    LineKind,
    LineStatus,
    Part,
    ReceivableLine,
    Refund,
    Returned,
    Sale,
    SaleState,
)
from card_contracts.domain.schedule import BusinessDayRule
from card_contracts.domain.settlement import DriftRules
from card_contracts.domain.terms import (
    Band,
    Blockage,
    BlockageKind,
    Collection,
    Cutoff,
    Maturity,
    MaturityKind,
    OnDay,
    SkipAndBlock,
    Strategy,
    Term,
)
from kernel.business_days import Override, OverrideKind
from kernel.money import Money
from kernel.rates import Rate
from kernel.sensitive import Iban
from kernel.stamp import Stamp
from kernel.why import Why
from toolkit.aws.rows import day, day_of, moment, stamp_of

Row = dict[str, Any]
_STORED = "store"  # reason given when a masked value is opened to be stored in its own row


# ---------------------------------------------------------------------------- contract


def contract_row(contract: Contract) -> Row:
    """Attributes of a contract, which are also the content of its revision."""
    return {
        "description": contract.description,
        "card_code": contract.card_code,
        "bank_account_code": contract.bank_account_code,
        "starts_on": contract.starts_on.isoformat(),
        "ends_on": day(contract.ends_on),
        "calendar": contract.calendar.value,
        "business_day_rule": contract.business_day_rule.value,
        "remainder_on": contract.remainder_on,
        "currency": contract.currency,
        "terms": [_term_row(term) for term in contract.terms],
        "revision": contract.revision,
        "effective_from": contract.effective_from.isoformat(),
    }


def contract_from(code: str, row: Mapping[str, Any], state: str, stamp: Stamp) -> Contract:
    """The contract, or one revision of it, behind its attributes."""
    return Contract(
        code=code,
        description=row["description"],
        card_code=row["card_code"],
        bank_account_code=row["bank_account_code"],
        starts_on=date.fromisoformat(row["starts_on"]),
        ends_on=day_of(row["ends_on"]),
        calendar=CalendarName(row["calendar"]),
        business_day_rule=BusinessDayRule(row["business_day_rule"]),
        remainder_on=row["remainder_on"],
        currency=row["currency"],
        terms=tuple(_term_from(term) for term in row["terms"]),
        state=ContractState(state),
        revision=row["revision"],
        effective_from=date.fromisoformat(row["effective_from"]),
        stamp=stamp,
    )


def _term_row(term: Term) -> Row:
    blockage, maturity = term.blockage, term.maturity
    return {
        "from": term.first,
        "to": term.last,
        "collection": term.collection.value,
        "skip_months": term.skip_months,
        "blockage": None
        if blockage is None
        else {
            "kind": blockage.kind.value,
            "value": blockage.value,
            "on_day": blockage.on_day.value,
        },
        "skip_and_block": term.skip_and_block.value if term.skip_and_block else None,
        "maturity": {
            "kind": maturity.kind.value,
            "value": maturity.value,
            "strategy": maturity.strategy.value if maturity.strategy else None,
            "bands": [
                [band.from_day, band.to_day, band.pay_day, band.month_offset]
                for band in maturity.bands
            ],
            "cutoff": [maturity.cutoff.day, maturity.cutoff.pay_day] if maturity.cutoff else None,
        },
        "description": term.description,
        "deductions": [_deduction_row(one) for one in term.deductions],
    }


def _term_from(row: Mapping[str, Any]) -> Term:
    blockage, maturity = row["blockage"], row["maturity"]
    order = row["skip_and_block"]
    return Term(
        first=row["from"],
        last=row["to"],
        collection=Collection(row["collection"]),
        skip_months=row["skip_months"],
        blockage=None
        if blockage is None
        else Blockage(BlockageKind(blockage["kind"]), blockage["value"], OnDay(blockage["on_day"])),
        skip_and_block=SkipAndBlock(order) if order else None,
        maturity=Maturity(
            kind=MaturityKind(maturity["kind"]),
            value=maturity["value"],
            strategy=Strategy(maturity["strategy"]) if maturity["strategy"] else None,
            bands=tuple(Band(*band) for band in maturity["bands"]),
            cutoff=Cutoff(*maturity["cutoff"]) if maturity["cutoff"] else None,
        ),
        description=row["description"],
        deductions=tuple(_deduction_from(one) for one in row["deductions"]),
    )


def _deduction_row(one: Deduction) -> Row:
    return {
        "sequence": one.sequence,
        "code": one.code,
        "kind": one.kind.value,
        "timing": one.timing.value,
        "basis": one.basis.value,
        "rate": one.rate.to_api(),
        "amount": one.amount,
        "of": one.of,
    }


def _deduction_from(row: Mapping[str, Any]) -> Deduction:
    return Deduction(
        sequence=row["sequence"],
        code=row["code"],
        kind=Kind(row["kind"]),
        timing=Timing(row["timing"]),
        basis=Basis(row["basis"]),
        rate=Rate(Decimal(row["rate"])),
        amount=row["amount"],
        of=row["of"],
    )


# ---------------------------------------------------------------------------- pair


def holders_row(pair: Pair) -> Row:
    """Holders of a card and account, by contract."""
    return {
        code: [holder.starts_on.isoformat(), day(holder.ends_on), holder.is_open]
        for code, holder in pair.holders.items()
    }


def pair_from(card_code: str, bank_account_code: str, row: Mapping[str, Any] | None) -> Pair:
    """The pair behind a row; an empty one when there is none yet."""
    if row is None:
        return Pair(card_code, bank_account_code)
    holders = {
        code: Holder(date.fromisoformat(starts), day_of(ends), is_open)
        for code, (starts, ends, is_open) in row["holders"].items()
    }
    return Pair(card_code, bank_account_code, holders, row["v"])


# ---------------------------------------------------------------------------- look-ups


def lookup_row(entry: Card | BankAccount | DeductionDefinition) -> Row:
    """Attributes of an entry of a list."""
    if isinstance(entry, Card):
        return {"name": entry.name, "card_kind": entry.kind.value, "issuer": entry.issuer.value}
    if isinstance(entry, BankAccount):
        return {
            "name": entry.name,
            "account_kind": entry.kind.value,
            "bank": entry.bank,
            "linked_account_code": entry.linked_account_code,
            "iban": entry.iban.reveal(_STORED) if entry.iban is not None else None,
        }
    return {"name": entry.name, "type": entry.type.value, "bank": entry.bank}


def card_from(row: Mapping[str, Any]) -> Card:
    """The card behind a row."""
    return Card(
        code=row["id"],
        name=row["name"],
        kind=CardKind(row["card_kind"]),
        issuer=Issuer(row["issuer"]),
        state=LookupState(row["state"]),
        stamp=stamp_of(row),
    )


def account_from(row: Mapping[str, Any]) -> BankAccount:
    """The bank account behind a row."""
    return BankAccount(
        code=row["id"],
        name=row["name"],
        kind=AccountKind(row["account_kind"]),
        bank=row["bank"],
        linked_account_code=row["linked_account_code"],
        iban=Iban(row["iban"]) if row["iban"] else None,
        state=LookupState(row["state"]),
        stamp=stamp_of(row),
    )


def definition_from(row: Mapping[str, Any]) -> DeductionDefinition:
    """The deduction behind a row."""
    return DeductionDefinition(
        code=row["id"],
        name=row["name"],
        type=DeductionType(row["type"]),
        bank=row["bank"],
        state=LookupState(row["state"]),
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- sale


def sale_row(sale: Sale) -> Row:
    """Attributes of a sale, with its parts and what was taken back of them."""
    return {
        "document_no": sale.document_no,
        "contract_code": sale.contract_code,
        "bank_account_code": sale.bank_account_code,
        "revision": sale.revision,
        "remainder_on": sale.remainder_on,
        "sold_on": sale.sold_on.isoformat(),
        "amount": sale.amount.minor,
        "currency": sale.amount.currency,
        "instalments": sale.instalments,
        "totals": dict(sale.totals),
        "import_id": sale.import_id,
        **({"undone": True} if sale.undone else {}),
        "parts": [
            {
                "no": part.no,
                "raw": part.raw.isoformat(),
                "pay": part.pay.isoformat(),
                "gross": part.gross,
                "deductions": dict(part.deductions),
                "back": part.back,
                "deductions_back": dict(part.deductions_back or {}),
            }
            for part in sale.parts
        ],
    }


def sale_from(row: Mapping[str, Any]) -> Sale:
    """The sale behind a row."""
    return Sale(
        id=row["id"],
        document_no=row["document_no"],
        contract_code=row["contract_code"],
        bank_account_code=row["bank_account_code"],
        revision=row["revision"],
        remainder_on=row["remainder_on"],
        sold_on=date.fromisoformat(row["sold_on"]),
        amount=Money(row["amount"], row["currency"]),
        instalments=row["instalments"],
        parts=tuple(
            Part(
                no=part["no"],
                raw=date.fromisoformat(part["raw"]),
                pay=date.fromisoformat(part["pay"]),
                gross=part["gross"],
                deductions=part["deductions"],
                back=part["back"],
                deductions_back=part["deductions_back"],
            )
            for part in row["parts"]
        ),
        totals=row["totals"],
        import_id=row["import_id"],
        undone=row.get("undone", False),
        state=SaleState(row["state"]),
        stamp=stamp_of(row),
    )


def line_row(line: ReceivableLine) -> Row:
    """Attributes of a receivable with the reasons it was posted with."""
    return {
        "origin": line.origin,
        "sale_id": line.sale_id,
        "kind": line.kind.value,
        "no": line.no,
        "document_no": line.document_no,
        "contract_code": line.contract_code,
        "bank_account_code": line.bank_account_code,
        "revision": line.revision,
        "raw": line.raw.isoformat(),
        "pay": line.pay.isoformat(),
        "currency": line.currency,
        "gross": line.gross,
        "deductions": dict(line.deductions),
        # Never searched and never changed: one text is smaller than nested attributes.
        "whys": json.dumps(
            {name: [why.to_dict() for why in whys] for name, whys in line.whys.items()},
            ensure_ascii=False,
            separators=(",", ":"),
        ),
        "status": line.status.value,
    }


def line_from(row: Mapping[str, Any]) -> ReceivableLine:
    """The receivable behind a row."""
    return ReceivableLine(
        origin=row["origin"],
        sale_id=row["sale_id"],
        kind=LineKind(row["kind"]),
        no=row["no"],
        document_no=row["document_no"],
        contract_code=row["contract_code"],
        bank_account_code=row["bank_account_code"],
        revision=row["revision"],
        raw=date.fromisoformat(row["raw"]),
        pay=date.fromisoformat(row["pay"]),
        currency=row["currency"],
        gross=row["gross"],
        deductions=row["deductions"],
        whys={
            name: tuple(Why(why["key"], why["params"]) for why in whys)
            for name, whys in json.loads(row["whys"]).items()
        },
        status=LineStatus(row["status"]),
    )


def refund_row(item: Refund) -> Row:
    """Attributes of a refund."""
    return {
        "sale_id": item.sale_id,
        "document_no": item.document_no,
        "refunded_on": item.refunded_on.isoformat(),
        "amount": item.amount.minor,
        "currency": item.amount.currency,
        "returned": item.returned.value,
        "totals": dict(item.totals),
    }


def refund_from(row: Mapping[str, Any]) -> Refund:
    """The refund behind a row."""
    return Refund(
        id=row["id"],
        sale_id=row["sale_id"],
        document_no=row["document_no"],
        refunded_on=date.fromisoformat(row["refunded_on"]),
        amount=Money(row["amount"], row["currency"]),
        returned=Returned(row["returned"]),
        totals=row["totals"],
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- calendars


def overrides_row(table: OverrideTable) -> Row:
    """Changed days of a calendar."""
    return {
        "days": {
            on.isoformat(): [one.kind.value, one.name, one.source, one.entered_by]
            for on, one in table.days.items()
        }
    }


def overrides_from(name: CalendarName, row: Mapping[str, Any] | None) -> OverrideTable:
    """The changed days behind a row; none when there is no row."""
    if row is None:
        return OverrideTable(name)
    days = {
        date.fromisoformat(on): Override(OverrideKind(kind), text, source, by)
        for on, (kind, text, source, by) in row["days"].items()
    }
    return OverrideTable(name, days, stamp_of(row))


def feed_from(row: Mapping[str, Any] | None) -> CalendarFeed:
    """The feed behind a row."""
    return CalendarFeed() if row is None else CalendarFeed(row["feed_version"], stamp_of(row))


# ---------------------------------------------------------------------------- the company


def settings_row(settings: CompanySettings) -> Row:
    """Attributes of a company's settings; percentages are texts, so that they stay exact."""
    rules, drift, retired = settings.rules, settings.drift, settings.events_retired_at
    return {
        "rules": {
            "late_days": rules.late_days,
            "early_days": rules.early_days,
            "joined_days": rules.joined_days,
            "rounding": rules.rounding,
            "tolerance": f"{rules.tolerance:f}",
        },
        "drift": {"points": f"{drift.points:f}", "least": drift.least},
        "limits": [
            {
                "valid_from": one.valid_from.isoformat(),
                "reference_rate": f"{one.reference_rate:f}",
                "credit_margin": f"{one.credit_margin:f}",
                "debit_fee": f"{one.debit_fee:f}",
                "credit_days": one.credit_days,
                "debit_days": one.debit_days,
                "mark": one.mark,
                "source": one.source,
            }
            for one in settings.limits
        ],
        "events_version": settings.events_version,
        "events_retired_at": moment(retired) if retired is not None else "",
    }


def settings_from(row: Mapping[str, Any] | None) -> CompanySettings:
    """The settings behind a row; what we ship when there is no row."""
    if row is None:
        return CompanySettings()
    rules, drift, retired = row["rules"], row["drift"], row["events_retired_at"]
    return CompanySettings(
        rules=Rules(**{**rules, "tolerance": Decimal(rules["tolerance"])}),
        drift=DriftRules(Decimal(drift["points"]), drift["least"]),
        limits=tuple(
            Limits(
                valid_from=date.fromisoformat(one["valid_from"]),
                reference_rate=Decimal(one["reference_rate"]),
                credit_margin=Decimal(one["credit_margin"]),
                debit_fee=Decimal(one["debit_fee"]),
                credit_days=one["credit_days"],
                debit_days=one["debit_days"],
                mark=one["mark"],
                source=one["source"],
            )
            for one in row["limits"]
        ),
        events_version=row["events_version"],
        events_retired_at=datetime.fromisoformat(retired) if retired else None,
        stamp=stamp_of(row),
    )
