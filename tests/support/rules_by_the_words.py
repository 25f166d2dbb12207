"""The 48 rules a second time, as plain functions written from the words of the source.

Nothing is shared with the product: no table, no parameter, no calendar of ours. Each entry makes
facts, above all at the bounds, and says what the words of the rule give for them. ``REFUSED``
stands for "the only right answer is an error".
"""

from __future__ import annotations

import calendar as months
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any, Final

Facts = Mapping[str, Any]
REFUSED: Final = "refused"
GROUPS: Final = ("RESIDENTIAL", "COMMERCIAL", "INDUSTRIAL", "PUBLIC")
TYPES: Final = ("FREE", "REGULATED")
YES_NO: Final = (True, False)
CENTS: Final = Decimal("0.01")
# Official holidays of Türkiye in 2025 and 2026 that are whole days (Law 2429 and the two feasts).
HOLIDAYS: Final = frozenset(
    [date(year, month, day)
     for year in (2025, 2026)
     for month, day in ((1, 1), (4, 23), (5, 1), (5, 19), (7, 15), (8, 30), (10, 29))]
    + [date(2025, 3, 30) + timedelta(days=n) for n in range(3)]
    + [date(2025, 6, 6) + timedelta(days=n) for n in range(4)]
    + [date(2026, 3, 20) + timedelta(days=n) for n in range(3)]
    + [date(2026, 5, 27) + timedelta(days=n) for n in range(4)]
)  # fmt: skip
RATES: Final = (
    (date(2018, 9, 5), "2.00"), (date(2019, 7, 1), "2.50"), (date(2019, 10, 2), "2.00"),
    (date(2019, 12, 30), "1.60"), (date(2022, 7, 21), "2.50"), (date(2023, 11, 14), "3.50"),
    (date(2024, 5, 21), "4.50"), (date(2025, 11, 13), "3.70"),
)  # fmt: skip


# ---------------------------------------------------------------------------- plain helpers


def days(first: str, last: str, step: int = 1) -> list[date]:
    """Dates from one to another."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [begin + timedelta(days=n) for n in range(0, (end - begin).days + 1, step)]


def works(day: date) -> bool:
    """Whether a day is a business day."""
    return day.weekday() < 5 and day not in HOLIDAYS


def months_on(day: date, number: int) -> date:
    """Calendar months later, clamped to the end of the month."""
    place = day.year * 12 + day.month - 1 + number
    year, month = divmod(place, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def money(value: Decimal | Fraction) -> str:
    """Half up to the kuruş."""
    return half_up(Fraction(value), 2)


def half_up(value: Fraction, places: int) -> str:
    """Half up, away from zero."""
    whole, rest = divmod(abs(value) * 10**places, 1)
    number = int(whole) + (1 if rest >= Fraction(1, 2) else 0)
    return str(Decimal(-number if value < 0 else number).scaleb(-places))


def _mean(values: list[str]) -> Fraction:
    return sum(map(Fraction, values), Fraction(0)) / len(values)


def around(*amounts: str) -> list[str]:
    """Amounts with their neighbours."""
    found = []
    for amount in map(Decimal, amounts):
        found += [str(amount - CENTS), str(amount), str(amount + CENTS)]
    return found


def rate_on(day: date) -> Decimal | None:
    """Monthly percentage in force."""
    known = [Decimal(rate) for since, rate in RATES if since <= day]
    return known[-1] if known else None


# ---------------------------------------------------------------------------- rules


def r1() -> Iterator[tuple[Facts, Any]]:
    """Applied, answered, today: a window over two feasts."""
    for applied in days("2026-02-25", "2026-05-20", 3):
        deadline = applied + timedelta(days=15)
        while not works(deadline):
            deadline += timedelta(days=1)
        for answered, today in product((-1, 0, 1, None), (-4, -3, 0, 1)):
            said = None if answered is None else deadline + timedelta(days=answered)
            now = deadline + timedelta(days=today)
            if said is not None:
                status = "ANSWERED_ON_TIME" if said <= deadline else "ANSWERED_LATE"
            elif now > deadline:
                status = "OVERDUE"
            else:
                status = "DUE_SOON" if (deadline - now).days <= 3 else "OPEN"
            facts = {"applied_on": applied, "responded_on": said, "as_of": now}
            yield facts, {"deadline": deadline, "status": status}


def late_fee(principal: str, due: date, paid: date, method: str) -> str | None:
    """R2 in its own words, day by day; None where no rate is known."""
    total = Fraction(0)
    if paid <= due:
        return "0.00"
    if rate_on(due + timedelta(days=1)) is None:
        return None
    if method == "DAILY_30":
        for number in range(1, (paid - due).days + 1):
            total += Fraction(rate_on(due + timedelta(days=number)) or 0) / 30
        return money(total / 100 * Fraction(principal))
    start = due
    while start < paid:
        rate = rate_on(start + timedelta(days=1))
        end = start + timedelta(days=1)
        while end < paid and rate_on(end + timedelta(days=1)) == rate:
            end += timedelta(days=1)
        whole = 0
        while months_on(start, whole + 1) <= end:
            whole += 1
        rest = (end - months_on(start, whole)).days
        total += Fraction(rate or 0) * (whole + Fraction(rest, 30))
        start = end
    return money(total / 100 * Fraction(principal))


def _late(rng: Random) -> Iterator[tuple[str, date, date]]:
    bounds = [since for since, _ in RATES] + [
        date(2024, 2, 29),
        date(2025, 1, 31),
        date(2025, 8, 31),
    ]
    for _ in range(150):
        due = rng.choice(bounds) + timedelta(days=rng.choice((-40, -31, -2, -1, 0, 1, 15)))
        paid = due + timedelta(days=rng.choice((-3, 0, 1, 2, 28, 29, 30, 31, 59, 92, 366, 800)))
        yield rng.choice(("0.00", "0.01", "1000.00", "333.33", "98765.43")), due, paid


def r2() -> Iterator[tuple[Facts, Any]]:
    """Around changes of the rate and ends of months."""
    for principal, due, paid in _late(Random(2)):
        for method in ("MONTHS_PLUS_DAYS", "DAILY_30"):
            fee = late_fee(principal, due, paid, method)
            facts = {"principal": principal, "due_on": due, "paid_on": paid, "method": method}
            yield facts, REFUSED if fee is None else {"late_fee": fee}


def r40() -> Iterator[tuple[Facts, Any]]:
    """By contract or by law."""
    for principal, due, paid in _late(Random(40)):
        for kind, pct in product(TYPES, (None, "0", "48", "36.5")):
            facts = {"customer_type": kind, "principal": principal, "due_on": due,
                     "paid_on": paid, "contract_annual_pct": pct}  # fmt: skip
            if kind == "REGULATED":
                fee = late_fee(principal, due, paid, "MONTHS_PLUS_DAYS")
                said: Any = REFUSED if fee is None else {"basis": "EPDK_6183", "late_fee": fee}
            elif pct is None:
                said = REFUSED
            else:
                late = max((paid - due).days, 0)
                fee = money(Fraction(principal) * Fraction(pct) / 100 * Fraction(late, 365))
                said = {"basis": "CONTRACT", "late_fee": fee}
            yield facts, said


def r3() -> Iterator[tuple[Facts, Any]]:
    """The stamp year is year one."""
    for kind, year in product(("GAS", "ELECTRICITY", "WATER"), (2014, 2016, 2019)):
        until = date(year + 9, 12, 31)
        for shift in (-200, -185, -184, -183, -1, 0, 1):
            now = until + timedelta(days=shift)
            action = now > months_on(until, -6)
            said = {"valid_until": until, "overdue": now > until,
                    "action": "PROPOSE_FIELD_WORK_ORDER" if action else "NONE"}  # fmt: skip
            yield {"meter_kind": kind, "stamp_year": year, "as_of": now}, said


def r4() -> Iterator[tuple[Facts, Any]]:
    """Two periods and more."""
    for number in range(5):
        action = "PROPOSE_READING_WORK_ORDER" if number >= 2 else "NONE"
        yield {"consecutive_unread": number}, {"action": action}


def r34() -> Iterator[tuple[Facts, Any]]:
    """Both consequences, in their order."""
    for number in range(5):
        both = ["PROPOSE_READING_WORK_ORDER", "CUT_GAS"] if number >= 2 else []
        yield {"consecutive_unread": number}, {"actions": both}


def r5() -> Iterator[tuple[Facts, Any]]:
    """The bounds themselves are normal; a group without bounds is an error."""
    bounds = {"RESIDENTIAL": (5, 600), "INDUSTRIAL": (100, 50000)}
    for group in GROUPS:
        for number in ("-1", "0", "4.999", "5", "5.000", "99.999", "100", "600", "600.001",
                       "50000", "50000.001"):  # fmt: skip
            facts = {"subscriber_group": group, "period_consumption": number}
            if group not in bounds:
                yield facts, REFUSED
                continue
            low, high = bounds[group]
            reason = "LOW" if Decimal(number) < low else "HIGH" if Decimal(number) > high else None
            action = "PROPOSE_THEFT_IRREGULAR_CHECK" if reason else "NONE"
            yield facts, {"action": action, "reason": reason}


def r6() -> Iterator[tuple[Facts, Any]]:
    """Every state with every command."""
    order = ("APPLIED", "FEES_COLLECTED", "AGREEMENT_PRINTED")
    before = {"COLLECT_FEES": "APPLIED", "PRINT_AGREEMENT": "FEES_COLLECTED"}
    for state, command in product(order, before):
        allowed = before[command] == state
        said = {"allowed": allowed, "missing": None if allowed else before[command],
                "next_state": order[order.index(state) + 1] if allowed else state}  # fmt: skip
        yield {"state": state, "command": command}, said


def r7() -> Iterator[tuple[Facts, Any]]:
    """Month ends and an order that is open already."""
    lasts = ("2025-08-31", "2024-02-29", "2025-01-30", "2025-12-15")
    for last, gap, is_open in product(map(date.fromisoformat, lasts), (1, 6, 12), YES_NO):
        due = months_on(last, gap)
        for shift in (-1, 0, 1):
            now = due + timedelta(days=shift)
            opens = now >= due and not is_open
            facts = {"last_done_on": last, "interval_months": gap, "as_of": now,
                     "open_order": is_open}  # fmt: skip
            action = "OPEN_WORK_ORDER+ALERT_UNIT" if opens else "NONE"
            yield facts, {"next_due": due, "action": action}


def r8() -> Iterator[tuple[Facts, Any]]:
    """Reasons in their order."""
    for active, debt, disputed in product(YES_NO, ("-0.01", "0.00", "0.01", "120.50"), YES_NO):
        tests = ((not active, "NO_ACTIVE_MANDATE"), (Decimal(debt) <= 0, "NO_DEBT"),
                 (disputed, "DISPUTED"))  # fmt: skip
        reason = next((name for fails, name in tests if fails), None)
        facts = {"mandate_active": active, "open_debt": debt, "disputed": disputed}
        yield facts, {"include": reason is None, "reason": reason}


def r9() -> Iterator[tuple[Facts, Any]]:
    """Every combination of what is done."""
    order = ("meter_read", "disconnected", "final_invoice_collected", "deposit_refunded")
    for flags in product(YES_NO, repeat=4):
        missing = [name for name, done in zip(order, flags, strict=True) if not done]
        stage = missing[0] if missing else "CLOSED"
        yield dict(zip(order, flags, strict=True)), {"stage": stage, "missing": missing}


def r10() -> Iterator[tuple[Facts, Any]]:
    """No debt, some debt, all of the deposit and more."""
    for debt, offset in product(("0.00", "0.01", "4134.99", "4135.00", "4135.01"), YES_NO):
        facts = {"deposit": "4135.00", "open_debt": debt, "offset_allowed": offset}
        left = Decimal("4135.00") - Decimal(debt)
        if Decimal(debt) == 0:
            said = {"decision": "ALLOW", "refund": "4135.00", "reason": None}
        elif not offset:
            said = {"decision": "BLOCK", "refund": None, "reason": "OPEN_DEBT"}
        elif left <= 0:
            said = {"decision": "BLOCK", "refund": "0.00", "reason": "DEBT_EXCEEDS_DEPOSIT"}
        else:
            said = {"decision": "ALLOW", "refund": money(left), "reason": None}
        yield facts, said


def r11() -> Iterator[tuple[Facts, Any]]:
    """An empty list blocks."""
    for number in range(4):
        for flags in product(YES_NO, repeat=number):
            pairs = [[f"2026-{n + 1:02}", flag] for n, flag in enumerate(flags)]
            wrong = [period for period, flag in pairs if not flag]
            decision = "ALLOW" if pairs and not wrong else "BLOCK"
            yield {"progress_payments": pairs}, {"decision": decision, "unapproved": wrong}


def r12() -> Iterator[tuple[Facts, Any]]:
    """Only the final report."""
    for report in ("NONE", "DRAFT", "FINAL"):
        decision = "ALLOW" if report == "FINAL" else "BLOCK"
        yield {"result_report": report}, {"decision": decision}


def r13() -> Iterator[tuple[Facts, Any]]:
    """Received, invoiced; a quantity is compared by value."""
    for quantity, invoiced in product(("0", "0.000", "-0.0", "0.001", "-2", "3"), YES_NO):
        reason = "GOODS_RECEIVED" if Decimal(quantity) != 0 else "INVOICED" if invoiced else None
        said = {"decision": "BLOCK" if reason else "ALLOW", "reason": reason,
                "effect": None if reason else "CANCELLED+RELEASE_BUDGET"}  # fmt: skip
        yield {"received_qty": quantity, "invoiced": invoiced}, said


def r14() -> Iterator[tuple[Facts, Any]]:
    """Cancelled already, collected, posted."""
    for posted, collected, cancelled in product(YES_NO, ("0.00", "0.01", "50.00"), YES_NO):
        reason = None
        if cancelled:
            reason = "ALREADY_CANCELLED"
        elif Decimal(collected) > 0:
            reason = "COLLECTED_REVERSE_COLLECTION_FIRST"
        effect = None if reason else "REVERSING_INVOICE" if posted else "CANCELLED"
        said = {"decision": "BLOCK" if reason else "ALLOW", "effect": effect, "reason": reason}
        yield {"posted": posted, "collected": collected, "cancelled": cancelled}, said


def r15() -> Iterator[tuple[Facts, Any]]:
    """What was never posted has nothing to reverse."""
    for posted, closed in product(YES_NO, YES_NO):
        effect = "CANCELLED"
        if posted:
            effect = "STORNO_IN_OPEN_PERIOD" if closed else "STORNO_SAME_PERIOD"
        yield {"posted": posted, "period_closed": closed}, {"effect": effect}


def r16() -> Iterator[tuple[Facts, Any]]:
    """Three months and three business days, each with its neighbours."""
    for due in (date(2026, 3, 2), date(2025, 11, 30), date(2026, 2, 27)):
        ripe = months_on(due, 3)
        for told in (None, ripe - timedelta(days=30), ripe, ripe + timedelta(days=2)):
            free, left = told, 3
            while free is not None and left:
                free += timedelta(days=1)
                left -= works(free)
            places = {ripe - timedelta(days=1), ripe}
            places |= {free + timedelta(days=n) for n in (-1, 0, 1)} if free else {ripe}
            for now, approval in product(sorted(places), ("PENDING", "APPROVED", "REJECTED")):
                if now < ripe:
                    decision = "NOT_ELIGIBLE"
                elif free is None or now < free:
                    decision = "NOTICE_REQUIRED"
                else:
                    decision = {"PENDING": "WAITING_APPROVAL", "REJECTED": "REJECTED",
                                "APPROVED": "CREATE_TERMINATION_WORK_ORDER"}[approval]  # fmt: skip
                facts = {"oldest_due_on": due, "notice_on": told, "approval": approval,
                         "as_of": now}  # fmt: skip
                creates = decision == "CREATE_TERMINATION_WORK_ORDER"
                yield facts, {"decision": decision, "create_work_order": creates}


def r17() -> Iterator[tuple[Facts, Any]]:
    """Every step, both ways."""
    for steps in (["ONE"], ["PREPARE", "CHIEF", "MANAGER"]):
        for place, action, turn in product(range(len(steps)), ("APPROVE", "REJECT"), (1, 7)):
            facts = {"steps": steps, "current": steps[place], "action": action, "round": turn}
            if action == "APPROVE":
                later = steps[place + 1] if place + 1 < len(steps) else "COMPLETED"
                yield facts, {"next": later, "round": turn}
            else:
                earlier = steps[place - 1] if place else "RETURNED_TO_REQUESTER"
                yield facts, {"next": earlier, "round": turn + 1}
    yield {"steps": ["A"], "current": "B", "action": "REJECT", "round": 1}, REFUSED


def r18() -> Iterator[tuple[Facts, Any]]:
    """The limit itself takes the stricter chain."""
    for amount in ("0.00", *around("1000.00"), "99999.99"):
        chain = ["CHIEF"] if Decimal(amount) < 1000 else ["CHIEF", "MANAGER"]
        yield {"amount": amount}, {"chain": chain}


def r19() -> Iterator[tuple[Facts, Any]]:
    """Repair to the technical service."""
    for kind, to in product(("REPAIR", "MAINTENANCE", "READING"),
                            ("TECHNICAL_SERVICE", "OWN_CREW")):  # fmt: skip
        needed = (kind, to) == ("REPAIR", "TECHNICAL_SERVICE")
        said = {"approval_required": needed, "approver": "UNIT_MANAGER" if needed else None}
        yield {"order_kind": kind, "assignee_kind": to}, said


def r20() -> Iterator[tuple[Facts, Any]]:
    """The union of the stages, by level."""
    for amount, beyond, foreign in product(around("1000.00"), YES_NO, YES_NO):
        stages = {"CHIEF"} if Decimal(amount) < 1000 else {"CHIEF", "MANAGER"}
        stages |= {"MANAGER", "DIRECTOR"} if beyond else set()
        stages |= {"GENERAL_MANAGER"} if foreign else set()
        levels = ("CHIEF", "MANAGER", "DIRECTOR", "GENERAL_MANAGER")
        facts = {"amount": amount, "beyond_contract": beyond, "foreign": foreign}
        yield facts, {"chain": [level for level in levels if level in stages]}


def r21() -> Iterator[tuple[Facts, Any]]:
    """Late only when strictly longer than agreed."""
    halves: tuple[Decimal | int, ...] = (Decimal("23.5"), 24, Decimal("24.5"))
    for end, now in product((None, *halves), halves):
        last = now if end is None else end
        spent = Decimal(last)
        facts = {"created_h": 0, "decided_h": end, "now_h": now, "sla_h": 24}
        sla = "BREACHED" if spent > 24 else "OK"
        yield facts, {"elapsed_h": spent, "pending": end is None, "sla": sla}


def r22() -> Iterator[tuple[Facts, Any]]:
    """Every output is decided on its own."""
    kinds = (GROUPS, TYPES, ("CITY", "OSB"), ("BUILDING", "SITE"),
             ("CONNECTION", "SALE", "METER_READING", "COMPLAINT"))  # fmt: skip
    names = ("subscriber_group", "customer_type", "location_kind", "premise_kind", "transaction")
    for group, kind, place, premise, act in product(*kinds):
        special = group == "PUBLIC" and premise == "SITE" and act in ("CONNECTION", "SALE")
        said = {"unit": "LARGE_SPECIAL_CUSTOMERS" if group == "INDUSTRIAL" else "GENERAL",
                "representative": "PRIVATE_REP" if (kind, place) == ("FREE", "OSB") else None,
                "officer": "PUBLIC_SITES_OFFICER" if special else None}  # fmt: skip
        yield dict(zip(names, (group, kind, place, premise, act), strict=True)), said


def r25() -> Iterator[tuple[Facts, Any]]:
    """Only this direction."""
    for start, end, pairs in product(("D1", "D2"), ("D1", "D2"), ([], [["D1", "D2"]])):
        decision = "ALLOW" if [start, end] in pairs else "DENY"
        yield {"from": start, "to": end, "allowed_pairs": pairs}, {"decision": decision}


def r26() -> Iterator[tuple[Facts, Any]]:
    """The unit one serves already is no second one."""
    for active, several in product(([], ["U1"], ["U2"], ["U1", "U2"]), YES_NO):
        others = [unit for unit in active if unit != "U2"]
        decision = "ALLOW" if several or not others else "DENY"
        facts = {"active_units": active, "unit": "U2", "multi_unit": several}
        yield facts, {"decision": decision}


def r27() -> Iterator[tuple[Facts, Any]]:
    """The same region is always allowed."""
    for order, staff, crossing in product("AB", "AB", YES_NO):
        facts = {"order_region": order, "staff_region": staff, "cross_region": crossing}
        yield facts, {"decision": "ALLOW" if order == staff or crossing else "DENY"}


def r28() -> Iterator[tuple[Facts, Any]]:
    """Violations are collected in their order."""
    features: tuple[list[str], ...] = ([], ["MECHANICAL"], ["ELECTRONIC"], ["CARD"], ["REMOTE"],
                ["REMOTE", "ELECTRONIC"], ["MECHANICAL", "CARD"])  # fmt: skip
    for kind, group, has, mode in product(TYPES, GROUPS, features, ("PREPAID", "POSTPAID")):
        wrong = []
        if (kind == "FREE" or group == "INDUSTRIAL") and "ELECTRONIC" not in has:
            wrong.append("MUST_BE_ELECTRONIC")
        if group == "PUBLIC" and not {"CARD", "REMOTE"} & set(has):
            wrong.append("MUST_BE_CARD_OR_REMOTE")
        if group == "PUBLIC" and mode != "PREPAID":
            wrong.append("MUST_BE_PREPAID")
        facts = {"customer_type": kind, "subscriber_group": group, "meter_features": has,
                 "payment_mode": mode}  # fmt: skip
        yield facts, {"ok": not wrong, "violations": wrong}


def r30() -> Iterator[tuple[Facts, Any]]:
    """Both facts at once are a conflict, which is named."""
    for group, public in product(GROUPS, YES_NO):
        rows = ["R30"] * (group == "RESIDENTIAL") + ["R31"] * public
        said = {(): "OPTIONAL", ("R30",): "FORBIDDEN", ("R31",): "REQUIRED"}
        facts = {"subscriber_group": group, "public_institution": public}
        yield facts, {"prepaid": said.get(tuple(rows), "CONFLICT"), "rows": rows or ["default"]}


def r32() -> Iterator[tuple[Facts, Any]]:
    """25 and 35 days belong to the period."""
    for kind, number, agreed in product(TYPES, (0, 7, 24, 25, 30, 35, 36), (None, 7, 30)):
        facts = {"customer_type": kind, "days": number, "contract_days": agreed}
        wrong = None
        if kind == "FREE":
            wrong = None if number == agreed else "CONTRACT_DEVIATION"
        elif number < 25:
            wrong = "DUE_DATE_AT_LEAST_25_DAYS"
        elif number > 35:
            wrong = "SPLIT_AT_LEAST_4_INSTALMENTS_NO_INTEREST"
        source = "CONTRACT" if kind == "FREE" else "EPDK"
        yield facts, {"source": source, "ok": wrong is None, "consequence": wrong}


def r33() -> Iterator[tuple[Facts, Any]]:
    """What is carried counts; 10 TL itself is invoiced."""
    for group, accrued, carried in product(GROUPS, ("0.00", "4.99", "5.00", "9.99", "10.00"),
                                           ("0.00", "0.01", "5.00")):  # fmt: skip
        total = Decimal(accrued) + Decimal(carried)
        small = group == "RESIDENTIAL" and total < 10
        said = {"issue": not small, "invoice_total": None if small else money(total),
                "carry": money(total) if small else "0.00"}  # fmt: skip
        yield {"subscriber_group": group, "accrued": accrued, "carried": carried}, said


def r35() -> Iterator[tuple[Facts, Any]]:
    """Three months, month ends clamped."""
    for mode, last in product(("PREPAID", "POSTPAID"), ("2026-01-15", "2025-11-30")):
        done = date.fromisoformat(last)
        due = months_on(done, 3)
        for shift in (-1, 0, 1):
            now = due + timedelta(days=shift)
            facts = {"payment_mode": mode, "last_verified_on": done, "as_of": now}
            reads = mode == "PREPAID" and now >= due
            said = {"due_on": due if mode == "PREPAID" else None,
                    "action": "VERIFICATION_READING" if reads else "NONE"}  # fmt: skip
            yield facts, said


def r36() -> Iterator[tuple[Facts, Any]]:
    """Methods in their order, one year at most, rounded once."""
    quantities, spans = ("1200", "0", "100.005", "7"), (1, 30, 364, 365, 366, 730)
    # The last mean lies so close below a half that rounding twice would round it up.
    lists: tuple[list[str], ...] = (
        [],
        ["4", "5"],
        ["0.1", "0.2", "0.4"],
        ["0.000499999", "0.0005"],
    )
    for measured, span, error, past, after in product(
        quantities, spans, (None, "-20", "3", "0"), lists, lists
    ):
        number = min(span, 365)
        scaled = Fraction(measured) * number / span
        if error is not None:
            method, true = "LAB_REPORT", scaled / (1 + Fraction(error) / 100)
        elif past:
            method, true = "SAME_PERIOD_HISTORY", _mean(past) * number
        elif after:
            method = "NEXT_TWO_PERIODS_AVERAGE"
            true = _mean(after) * number
        else:
            method, true = "", Fraction(0)
        facts = {"measured": measured, "affected_days": span, "lab_error_pct": error,
                 "history_per_day": past, "next_two_per_day": after}  # fmt: skip
        said = {"method": method, "days": number, "true_qty": half_up(true, 3),
                "adjustment": half_up(true - scaled, 3)}  # fmt: skip
        yield facts, said if method else REFUSED


def r37() -> Iterator[tuple[Facts, Any]]:
    """Without comparables there is a new meter."""
    lists: tuple[list[str], ...] = ([], ["2.0", "3.0", "4.0"], ["0.1", "0.1", "0.2"])
    for policy, known, number in product(("EMSAL", "NEW_METER"), lists, (0, 1, 30)):
        facts = {"policy": policy, "comparables": known, "days": number}
        if policy == "EMSAL" and known:
            mean = _mean(known) * number
            yield facts, {"action": "EMSAL_ACCRUAL", "qty": half_up(mean, 3)}
        else:
            yield facts, {"action": "INSTALL_NEW_METER_AND_MEASURE", "qty": None}


def r38() -> Iterator[tuple[Facts, Any]]:
    """Every reason that applies."""
    channels = ("CASH_DESK", "BANK", "CALL_CENTER", "PTT", "WEB")
    for kind, order, channel in product(TYPES, YES_NO, channels):
        wrong = []
        if kind == "FREE" and channel == "CALL_CENTER":
            wrong.append("FREE_NOT_VIA_CALL_CENTER")
        if order and channel == "CALL_CENTER":
            wrong.append("AUTOPAY_NOT_VIA_CALL_CENTER")
        if order and channel == "PTT":
            wrong.append("AUTOPAY_NOT_VIA_PTT")
        facts = {"customer_type": kind, "autopay": order, "channel": channel}
        yield facts, {"decision": "DENY" if wrong else "ALLOW", "reasons": wrong}


def r41() -> Iterator[tuple[Facts, Any]]:
    """The bands, and the remainder in the first part."""
    for group, debt, parts in product(
        GROUPS, ("0.00", "0.01", *around("100.00", "500.00"), "1234.56"), (1, 2, 3, 4)
    ):
        facts = {"subscriber_group": group, "debt": debt, "requested": parts}
        if group != "RESIDENTIAL":
            yield facts, {"max_instalments": None, "result": "NO_RULE"}
            continue
        most = 1 if Decimal(debt) <= 100 else 2 if Decimal(debt) <= 500 else 3
        if parts > most:
            yield facts, {"max_instalments": most, "result": "TOO_MANY"}
            continue
        whole = int(Decimal(debt) * 100)
        each = whole // parts
        plan = [whole - each * (parts - 1), *[each] * (parts - 1)]
        shown = [str(Decimal(part).scaleb(-2)) for part in plan]
        yield facts, {"max_instalments": most, "result": "OK", "plan": shown}


def r42() -> Iterator[tuple[Facts, Any]]:
    """Unusable and on the way do not count."""
    stocks: tuple[list[list[str]], ...] = (
        [], [["USABLE", "10"], ["UNUSABLE", "4"], ["IN_TRANSIT", "7"]],
        [["RESERVED", "0.5"], ["USABLE", "11.5"]], [["IN_TRANSIT", "100"]],
    )  # fmt: skip
    for stock, needed in product(stocks, ("0", "9.999", "10", "12", "12.001")):
        have = sum(
            (Decimal(n) for s, n in stock if s not in ("UNUSABLE", "IN_TRANSIT")), Decimal(0)
        )
        short = max(Decimal(needed) - have, Decimal(0))
        yield {"stock": stock, "needed": needed}, {"available": have, "shortage": short}


def r43() -> Iterator[tuple[Facts, Any]]:
    """Materials without a rule go everywhere."""
    wanted = {"INVESTMENT": "INVESTMENT", "SPARE_PART": "SPARE_PARTS"}
    for material, depot in product(("INVESTMENT", "SPARE_PART", "CONSUMABLE"),
                                   ("INVESTMENT", "SPARE_PARTS", "GENERAL")):  # fmt: skip
        decision = "ALLOW" if wanted.get(material, depot) == depot else "DENY"
        yield {"material_kind": material, "depot_kind": depot}, {"decision": decision}


def r45() -> Iterator[tuple[Facts, Any]]:
    """Other depots are not affected."""
    for counting, depot, allowed in product(YES_NO, ("D1", "D2"), YES_NO):
        facts = {"count_open": counting, "count_depot": "D1", "depot": depot,
                 "allow_moves": allowed}  # fmt: skip
        stops = counting and depot == "D1" and not allowed
        yield facts, {"decision": "DENY" if stops else "ALLOW"}


def r46() -> Iterator[tuple[Facts, Any]]:
    """Limit first, then the letter of guarantee."""
    for total, wanted, letter, given, pct in product(
        ("50000.00", "0.00", "333.33"), ("0.00", "0.01", "9999.99", "10000.00", "10000.01"),
        ("0.00", "9999.99", "10000.00"), YES_NO, ("20", "0", "100", "33.3"),
    ):  # fmt: skip
        limit = Decimal(money(Fraction(total) * Fraction(pct) / 100)) if given else Decimal("0.00")
        reason = None
        if Decimal(wanted) > limit:
            reason = "OVER_LIMIT" if given else "ADVANCE_NOT_ALLOWED"
        elif Decimal(wanted) > 0 and Decimal(letter) < Decimal(wanted):
            reason = "BANK_GUARANTEE_MISSING"
        facts = {"order_total": total, "requested": wanted, "guarantee": letter,
                 "advance_allowed": given, "max_pct": pct}  # fmt: skip
        decision = "DENY" if reason else "ALLOW"
        yield facts, {"max_advance": limit, "decision": decision, "reason": reason}


def r48() -> Iterator[tuple[Facts, Any]]:
    """Every change with the days beside it; before the first one an error."""
    for since, _ in RATES:
        for shift in (-1, 0, 1):
            day = since + timedelta(days=shift)
            rate = rate_on(day)
            yield {"valid_on": day}, REFUSED if rate is None else {"rate": rate}


WORDS: Final[Mapping[str, Callable[[], Iterator[tuple[Facts, Any]]]]] = {
    "conn.response_deadline": r1, "billing.late_fee": r2, "meter.calibration_due": r3,
    "meter.unread_propose": r4, "meter.consumption_anomaly": r5, "proc.connection_order": r6,
    "proc.maintenance_due": r7, "proc.autopay_file": r8, "proc.termination_status": r9,
    "guard.deposit_refund": r10, "guard.contractor_payment": r11, "guard.tender_close": r12,
    "cancel.purchase_order": r13, "cancel.invoice": r14, "cancel.voucher": r15,
    "approval.debt_termination": r16, "approval.reject_goes_back": r17,
    "approval.purchase_chain": r18, "approval.repair_order": r19, "approval.criteria": r20,
    "approval.durations": r21, "routing.industrial": r22, "routing.osb_free": r22,
    "routing.public_sites": r22, "coop.depot_transfer": r25, "coop.multi_unit_staff": r26,
    "coop.cross_region": r27, "meter.tech_free_industrial": r28, "meter.tech_public": r28,
    "billing.prepaid_residential": r30, "billing.prepaid_public": r30, "reading.period": r32,
    "billing.min_invoice": r33, "meter.unread_cut": r34, "reading.prepaid_verification": r35,
    "accrual.comparison": r36, "accrual.stopped_meter": r37, "collection.free_call_center": r38,
    "collection.autopay_channels": r38, "collection.late_fee_basis": r40,
    "collection.instalments": r41, "stock.availability": r42, "depot.investment": r43,
    "depot.spare_parts": r43, "depot.count_freeze": r45, "payment.advance": r46,
    "payment.guarantee": r46, "param.effective_dating": r48,
}  # fmt: skip
"""Facts and answers of every rule, by its key."""
