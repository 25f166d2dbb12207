"""A contract in the form of the API, which is that of the editor: out, and back from a form."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from card_contracts.domain.contract import Contract
from card_contracts.domain.deductions import Deduction, Kind
from card_contracts.domain.terms import Term
from card_contracts.pages.kit import whole_of
from kernel.errors import Problem
from kernel.money import Money
from kernel.stamp import Stamp

HEADER: Final = (
    "code",
    "description",
    "card_code",
    "bank_account_code",
    "starts_on",
    "ends_on",
    "effective_from",
    "calendar",
    "currency",
    "business_day_rule",
    "remainder_on",
)


def stamped(stamp: Stamp) -> dict[str, Any]:
    """Version and times of an entity, as every answer shows them."""
    return {
        "version": stamp.version,
        "created_at": stamp.created_at,
        "updated_at": stamp.updated_at,
    }


def contract_out(contract: Contract, warnings: Sequence[Problem] | None = None) -> dict[str, Any]:
    """A contract as the API shows it; the members of the request, and what became of them."""
    shown = {
        "id": contract.code,
        "code": contract.code,
        "description": contract.description,
        "card_code": contract.card_code,
        "bank_account_code": contract.bank_account_code,
        "starts_on": contract.starts_on.isoformat(),
        "ends_on": contract.ends_on.isoformat() if contract.ends_on is not None else None,
        "locked": contract.is_locked,
        "calendar": contract.calendar.value,
        "business_day_rule": contract.business_day_rule.value,
        "remainder_on": contract.remainder_on,
        "currency": contract.currency or None,
        "terms": [term_out(term) for term in contract.terms],
        "revision": contract.revision,
        "effective_from": contract.effective_from.isoformat(),
        **stamped(contract.stamp),
    }
    if warnings is not None:
        shown["warnings"] = [
            {"pointer": one.pointer, "code": one.code, "message": one.message} for one in warnings
        ]
    return shown


def term_out(term: Term) -> dict[str, Any]:
    """An instalment range as it was stated."""
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
                {
                    "from_day": band.from_day,
                    "to_day": band.to_day,
                    "pay_day": band.pay_day,
                    "month_offset": band.month_offset,
                }
                for band in maturity.bands
            ]
            or None,
            "cutoff": {"day": maturity.cutoff.day, "pay_day": maturity.cutoff.pay_day}
            if maturity.cutoff
            else None,
        },
        "description": term.description,
        "deductions": [_deduction_out(one) for one in term.deductions],
    }


def _deduction_out(one: Deduction) -> dict[str, Any]:
    is_rate = one.kind is Kind.RATE
    return {
        "sequence": one.sequence,
        "code": one.code,
        "kind": one.kind.value,
        "value": one.rate.to_api() if is_rate else Money(one.amount, "TRY").amount_text,
        "timing": one.timing.value,
        "basis": one.basis.value,
        "of": one.of or None,
    }


# ---------------------------------------------------------------------------- forms


def document_of(contract: Contract) -> dict[str, Any]:
    """A stored contract in the shape of the form, which is that of the API."""
    shown = contract_out(contract)
    document: dict[str, Any] = {name: shown.get(name) for name in (*HEADER, "locked", "terms")}
    for term in document["terms"]:
        term["maturity"]["bands"] = _bands_text(term["maturity"]["bands"])
        term["deductions"].append({})
    return document


def _bands_text(bands: Sequence[Mapping[str, int]] | None) -> str:
    return ", ".join(
        f"{one['from_day']}-{one['to_day']}:{one['pay_day']}+{one['month_offset']}"
        for one in bands or ()
    )


def drawn(term: Mapping[str, Any]) -> dict[str, Any]:
    """A range with every member the form draws; what was not said is empty."""

    def texts(value: Any, *names: str) -> dict[str, Any]:
        known = value or {}
        return {name: "" if known.get(name) is None else known[name] for name in names}

    maturity = term.get("maturity") or {}
    return {
        **texts(term, "from", "to", "collection", "skip_months", "skip_and_block", "description"),
        "blockage": texts(term.get("blockage"), "kind", "value", "on_day"),
        "maturity": {
            **texts(maturity, "kind", "value", "strategy", "bands"),
            "cutoff": texts(maturity.get("cutoff"), "day", "pay_day"),
        },
        "deductions": [
            texts(one, "sequence", "code", "kind", "value", "timing", "basis", "of")
            for one in term["deductions"]
        ],
    }


def read_form(form: Mapping[str, str]) -> dict[str, Any]:
    """A posted form in the shape of the API: names are pointers, empty rows are left out."""
    document: dict[str, Any] = {name: form.get(name, "") for name in HEADER}
    document["locked"] = form.get("locked") == "true"
    rows: dict[int, dict[str, Any]] = {}
    for name, text in form.items():
        parts = name.split("-")
        if parts[0] == "terms" and len(parts) > 2 and parts[1].isdigit():
            _put(rows.setdefault(int(parts[1]), {}), parts[2:], text.strip())
    document["terms"] = [_term(rows[number]) for number in sorted(rows) if _said(rows[number])]
    return document


def _put(place: dict[str, Any], path: Sequence[str], text: str) -> None:
    for part in path[:-1]:
        place = place.setdefault(part, {})
    place[path[-1]] = text


def _said(row: Mapping[str, Any]) -> bool:
    return bool(row.get("from") or row.get("to"))


def _term(row: Mapping[str, Any]) -> dict[str, Any]:
    deductions = row.get("deductions", {})
    kept = [deductions[key] for key in sorted(deductions, key=int) if deductions[key].get("code")]
    return {**row, "deductions": [*kept, {}]}


def stated(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as the model reads it: numbers are numbers, what was left empty is absent."""
    stated: dict[str, Any] = {name: document[name] for name in HEADER if document[name]}
    stated["locked"] = bool(document["locked"])
    stated["terms"] = [stated_term(term) for term in document["terms"]]
    return stated


def stated_term(term: Mapping[str, Any]) -> dict[str, Any]:
    blockage, maturity = term.get("blockage") or {}, term.get("maturity") or {}
    stated: dict[str, Any] = {
        "from": _number(term.get("from")),
        "to": _number(term.get("to")),
        "collection": term.get("collection", ""),
        "skip_months": _number(term.get("skip_months") or "0"),
        "description": term.get("description") or "",
        "maturity": _stated_maturity(maturity),
        "deductions": [
            _stated_deduction(one) for one in term.get("deductions", ()) if one.get("code")
        ],
    }
    if blockage.get("kind"):
        stated["blockage"] = {
            "kind": blockage["kind"],
            "value": _number(blockage.get("value")),
            "on_day": blockage.get("on_day") or "next_month",
        }
    if term.get("skip_and_block"):
        stated["skip_and_block"] = term["skip_and_block"]
    return stated


def _stated_maturity(maturity: Mapping[str, Any]) -> dict[str, Any]:
    stated: dict[str, Any] = {"kind": maturity.get("kind") or "monthly"}
    if maturity.get("value") not in (None, ""):
        stated["value"] = _number(maturity["value"])
    if maturity.get("strategy"):
        stated["strategy"] = maturity["strategy"]
    if maturity.get("bands"):
        stated["bands"] = [_band(text) for text in str(maturity["bands"]).split(",")]
    cutoff = maturity.get("cutoff") or {}
    if cutoff.get("day") or cutoff.get("pay_day"):
        stated["cutoff"] = {name: _number(cutoff.get(name)) for name in ("day", "pay_day")}
    return stated


def _band(text: str) -> dict[str, Any]:
    """``1-15:20+0`` is: days 1 to 15 are paid on day 20 of the same month."""
    days, _, pay = text.strip().partition(":")
    first, _, last = days.partition("-")
    day, _, offset = pay.partition("+")
    return {
        "from_day": _number(first),
        "to_day": _number(last or first),
        "pay_day": _number(day),
        "month_offset": _number(offset or "0"),
    }


def _stated_deduction(one: Mapping[str, Any]) -> dict[str, Any]:
    stated = {
        "sequence": _number(one.get("sequence")),
        "code": one.get("code", ""),
        "kind": one.get("kind", ""),
        "value": str(one.get("value") or "").replace(",", "."),
        "timing": one.get("timing", ""),
        "basis": one.get("basis") or "gross",
    }
    if one.get("of"):
        stated["of"] = one["of"]
    return stated


def _number(value: Any) -> Any:
    return value if isinstance(value, int) else whole_of(str(value or ""))
