"""Reconciliation: rows of the forms, due dates, the last day of objecting to a balance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kernel.money import Money
from kernel.parsing import parse_date_api
from kernel.periods import Period
from reconciliation.domain.deadlines import due_date, objection_last_day
from reconciliation.domain.figures import Tally, month_figures
from reconciliation.domain.parameters import Roll, read_threshold, rules_for
from toolkit.calendars import calendar

Given = Mapping[str, Any]


def run(case: dict[str, Any], file: dict[str, Any]) -> Mapping[str, Any]:
    """Outputs of the product for one case."""
    return _KINDS[case["kind"]](case["given"], file["parameters"])


def _form_rows(given: Given, parameters: Given) -> Given:
    period = Period.parse(given["period"])
    stated = given.get("threshold") or parameters["babs.threshold"]["value"]
    rules = replace(rules_for(period), threshold=read_threshold(stated))
    tallies: dict[str, Tally] = {}
    for number, document in enumerate(given["documents"]):
        card = document["counterparty"]
        for _ in range(document["count"]):
            tallies[card] = tallies.get(card, Tally(card)).with_document(
                Money.from_api(document["net_amount"], "TRY", allow_negative=True),
                is_electronic=document["form"] == "E_DOCUMENT",
                first=f"{number:05d}",
            )
    figures = month_figures(tallies.values(), {}, rules)
    return {
        "rows": [
            {
                "counterparty": row.cards[0],
                "documents": row.listed_documents,
                "amount": row.listed_total.minor // 100,
            }
            for row in figures.rows
            if row.listed
        ],
        "file_form": figures.file_form,
    }


def _due_date(given: Given, parameters: Given) -> Given:
    roll = given.get("roll") or parameters["babs.due_roll"]["value"]
    due = due_date(Period.parse(given["period"]), Roll(roll.lower()), calendar("TR"))
    return {"due_on": due.due_on.isoformat()}


def _balance_objection(given: Given, _: Given) -> Given:
    return {"last_day": objection_last_day(parse_date_api(given["received_on"])).isoformat()}


_KINDS: Mapping[str, Callable[[Given, Given], Given]] = {
    "form_rows": _form_rows,
    "due_date": _due_date,
    "balance_objection": _balance_objection,
}
