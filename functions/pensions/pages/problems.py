"""The error workbench: causes in plain words, correction in place, sending again (PEN-07)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError
from pensions.application.context import provider_of
from pensions.application.problems import Cause
from pensions.application.resubmit_employees import may_be_sent
from pensions.domain.contract import Contract
from pensions.domain.employee import (
    EDITABLE,
    FIELDS,
    TRANSITIONS,
    Employee,
    EmployeeProblem,
    EmployeeStatus,
)
from pensions.pages.employees import PERSONAL, form_fields
from pensions.pages.kit import Kit, go, use_of, version_of
from pensions.pages.words import Say, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column, Option

_DATES: Final = frozenset({"birth_date", "hired_on", "left_on"})
_ROUTE: Final = "/pensions/contracts/{id}/problems"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the workbench."""

    def workbench(
        request: Request,
        contract: Contract,
        error: KopruError | None = None,
        at: str = "",
        typed: Mapping[str, str] | None = None,
    ) -> Reply:
        use = use_of(request)
        say = Say(words_of(request))
        causes, total = use.list_problems()(contract.id)
        words = words_of(request)
        columns = (
            Column("name", words.text("Name")),
            Column("fix", words.text("Correction")),
            Column("actions", words.text("Actions"), hide_label=True),
        )
        values: dict[str, Any] = {
            "contract": contract,
            "provider": provider_of(contract),
            "nav": kit.contract_nav(request, contract, "problems"),
            "causes": [_cause(say, cause, at, typed or {}) for cause in causes],
            "shown": sum(len(cause.people) for cause in causes),
            "total": total,
            "ready": use.store.employee_counts(contract.id).by_status.get("ready", 0),
            "columns": columns,
            "dates": _DATES,
            "choices": {
                "gender": [
                    Option("female", words.text("female")),
                    Option("male", words.text("male")),
                ],
                "fund_preference": [
                    Option("interest", words.text("interest-bearing")),
                    Option("interest_free", words.text("interest-free")),
                ],
            },
            "key": use.scope.ids.new(),
        }
        if error is None:
            return kit.draw(request, "problems.html", **values)
        return kit.form(request, "problems.html", error, prefix=f"fix-{at}-", **values)

    @app.page("GET", _ROUTE, permission="pensions:employee:read")
    def show_problems(request: Request) -> Reply:
        """Everybody who is held up, by cause."""
        return workbench(request, use_of(request).store.contract(request.id()))

    @app.page("POST", _ROUTE, permission="pensions:employee:write")
    def correct_person(request: Request) -> Reply:
        """Save the correction of one person; the next one is one Tab away."""
        form, use = request.form(), use_of(request)
        contract = use.store.contract(request.id())
        person = use.store.employees_by_id([form.get("employee_id", "")]).get(
            form.get("employee_id", "")
        )
        if person is None or person.contract_id != contract.id:
            raise NotFoundError("not_found", "There is no such item.")
        stated = form_fields(form, keep=True)
        fields = {name: value for name, value in stated.items() if name in form}
        try:
            use.change_employee()(person.id, version_of(form), fields)
        except KopruError as error:
            return workbench(request, contract, error, person.id, form)
        return go(f"/pensions/contracts/{contract.id}/problems", done="corrected")


def _cause(say: Say, cause: Cause, at: str, typed: Mapping[str, str]) -> dict[str, Any]:
    if cause.at_insurer:
        title, remedy = say.meaning(cause.code), say.remedy(cause.code)
    else:
        what = say.problem(cause.code, cause.people[0].problems[0].message)
        title = f"{say.field(cause.field)}: {what}" if cause.field else what
        remedy = say.words.text("Correct it here; then the person can be sent.")
    return {
        "title": title,
        "remedy": remedy,
        "actor": cause.actor.value,
        "status": say.employee(cause.status),
        "held": cause.status is EmployeeStatus.HELD,
        "unknown": cause.status is EmployeeStatus.UNKNOWN,
        "sendable": any(may_be_sent(person) for person in cause.people),
        "rows": [
            _row(person) | {"fixes": _fixes(say, person, typed, at)} for person in cause.people
        ],
    }


def _row(person: Employee) -> dict[str, Any]:
    return {
        "id": person.id,
        "label": person.full_name or "–",
        "person": person,
        "elsewhere": EmployeeStatus.DONE_ELSEWHERE in TRANSITIONS[person.status],
    }


def _fixes(
    say: Say, person: Employee, typed: Mapping[str, str], at: str
) -> list[dict[str, str | None]]:
    """The fields to correct in place, each once, with what stands there now.

    Identity number, phone, mail and IBAN are not shown unless they are the refused input itself.
    """
    if person.status not in EDITABLE:
        return []
    raw = person.raw or {}
    found: dict[str, dict[str, str | None]] = {}
    for problem in person.problems:
        name = problem.field
        if name not in FIELDS or name in found:
            continue
        stored = getattr(person, name)
        shown = "" if stored is None or name in PERSONAL else _text(stored)
        value = typed.get(name, "") if person.id == at else raw.get(name, shown)
        found[name] = {
            "name": name,
            "label": say.field(name),
            "value": value,
            "hint": _hint(say, problem, raw, alone=len(person.problems) == 1),
        }
    return list(found.values())


def _hint(say: Say, problem: EmployeeProblem, raw: Mapping[str, str], *, alone: bool) -> str | None:
    """What is wrong, where the heading of the group does not say it; a date field cannot show what
    is no date, so the refused text stands beside it.
    """
    parts = [] if alone else [say.problem(problem.code, problem.message)]
    if problem.field in _DATES and raw.get(problem.field):
        parts.append(say.words.text("It said: %(value)s", value=raw[problem.field]))
    return " ".join(parts) or None


def _text(value: object) -> str:
    to_api = getattr(value, "to_api", None)
    return str(to_api()) if to_api else str(getattr(value, "value", value))
