"""OKS contribution, deadline, opt-out window, age scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from kernel.money import Money
from kernel.parsing import parse_date_api
from kernel.rates import Rate
from pensions.domain.contribution_rules import calculate
from pensions.domain.deadlines import (
    OptOutWindow,
    opt_out_from_cash,
    opt_out_from_notice,
    payment_deadline,
)
from pensions.domain.parameters import OKS, Mark, Parameter, ParameterTable, Value
from pensions.domain.scope import age_scope
from toolkit.calendars import calendar

Given = Mapping[str, Any]


def run(case: dict[str, Any], file: dict[str, Any]) -> Mapping[str, Any]:
    """Outputs of the product for one case."""
    return _KINDS[case["kind"]](case["given"], _parameters(case["given"], file["parameters"]))


def _contribution(given: Given, _parameters: ParameterTable) -> Mapping[str, Any]:
    earnings = given["pek"]
    result = calculate(
        None if earnings is None else Money.from_api(earnings, "TRY", allow_zero=True),
        Rate.from_api(given["rate_pct"]),
    )
    return {"contribution": result.amount.amount_text, "due": result.due}


def _payment_deadline(given: Given, parameters: ParameterTable) -> Mapping[str, Any]:
    deadline = payment_deadline(_day(given, "wage_pay_day"), calendar("TR"), parameters)
    return {"deadline": deadline.due_on.isoformat()}


def _opt_out_from_cash(given: Given, parameters: ParameterTable) -> Mapping[str, Any]:
    window = opt_out_from_cash(_day(given, "cash_received_on"), calendar("TR"), parameters)
    return _window(window, given)


def _opt_out_from_notice(given: Given, parameters: ParameterTable) -> Mapping[str, Any]:
    return _window(opt_out_from_notice(_day(given, "notice_on"), parameters), given)


def _window(window: OptOutWindow, given: Given) -> Mapping[str, Any]:
    outputs = {"notice_on": window.notice_on.isoformat(), "last_day": window.last_day.isoformat()}
    if given.get("request_on") is not None:
        outputs["request"] = window.request(_day(given, "request_on")).value
    return outputs


def _age_scope(given: Given, parameters: ParameterTable) -> Mapping[str, Any]:
    result = age_scope(
        _day(given, "birth_date"),
        _day(given, "inclusion_due_on"),
        active_member=given["active_member"],
        parameters=parameters,
    )
    return {
        "test_date": result.test_date.isoformat(),
        "age": result.age,
        "scope": result.scope.value,
    }


def _day(given: Given, name: str) -> date:
    return parse_date_api(given[name])


def _parameters(given: Given, declared: Mapping[str, Any]) -> ParameterTable:
    """The shipped table with the file's defaults, and with what the case itself passes in."""
    values = {key: entry["value"] for key, entry in declared.items()}
    values |= {key: given[name] for key in values for name in _names(key) if name in given}
    replaced = [
        Parameter(key, _value(value), Mark(declared[key]["mark"]), "acceptance case")
        for key, value in values.items()
    ]
    return OKS.replacing(*replaced)


def _names(key: str) -> tuple[str, str]:
    return key, key.removeprefix("oks.")


def _value(value: Any) -> Value:
    if not isinstance(value, str):
        if not isinstance(value, int):
            raise TypeError("a parameter is a text, a whole number or a yes or no")
        return value
    return Rate.from_api(value) if "-" not in value else parse_date_api(value)


_KINDS: Mapping[str, Callable[[Given, ParameterTable], Mapping[str, Any]]] = {
    "contribution": _contribution,
    "payment_deadline": _payment_deadline,
    "opt_out_from_cash": _opt_out_from_cash,
    "opt_out_from_notice": _opt_out_from_notice,
    "age_scope": _age_scope,
}
