"""Pages of people: list with search and selection, editor, detail with history, sending."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, PreconditionFailedError
from pensions.application.context import provider_of
from pensions.application.find_employees import STATUSES, find_employees
from pensions.application.overview import wage_month
from pensions.application.resubmit_employees import may_be_sent
from pensions.application.submissions import MAX_NAMED
from pensions.domain.contract import Contract, ContractState
from pensions.domain.employee import (
    EDITABLE,
    TRANSITIONS,
    Employee,
    EmployeeStatus,
    RevealReason,
)
from pensions.domain.provider import Capability
from pensions.pages.acts import history_entry, prove, reveal_reasons
from pensions.pages.kit import (
    Kit,
    command_of,
    decimal_text,
    go,
    ids_of,
    paging_of,
    position_in,
    use_of,
    version_of,
)
from pensions.pages.words import Say, words_of
from pensions.schemas import DoneElsewhereIn, RevealIn
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Chip, Column, Option
from webkit.urls import link

ROWS: Final = 50
SHOWN_NAMES: Final = 100
PERSONAL: Final = ("national_id", "mobile", "email", "iban")
"""Fields whose stored value is never put into a form: left empty, they stay as they are."""
_PLAIN: Final = (
    "first_name",
    "last_name",
    "birth_date",
    "hired_on",
    "left_on",
    "gender",
    "fund_preference",
)
_ROUTE: Final = "/pensions/contracts/{id}/employees"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of people."""

    @app.page("GET", _ROUTE, permission="pensions:employee:read")
    def list_employees(request: Request) -> Reply:
        """People of a contract: search, status chips, selection."""
        use = use_of(request)
        contract = use.store.contract(request.id())
        wish = request.query.get("status", "")
        status = wish if wish in STATUSES else ""
        query = request.query.get("q", "")[:100]
        people, following = find_employees(
            use.store,
            contract.id,
            limit=ROWS,
            after=position_in(request, status=status, q=query),
            status=status,
            query=query,
        )
        counts = use.store.employee_counts(contract.id)
        total = None
        if not query:
            total = counts.by_status.get(status, 0) if status else counts.employees
        return kit.draw(
            request,
            "employees/list.html",
            contract=contract,
            state=contract.state(use.scope.today()),
            provider=provider_of(contract),
            nav=kit.contract_nav(request, contract, "employees"),
            people=[_row(person) for person in people],
            counts=counts,
            ready=counts.by_status.get("ready", 0),
            chips=_chips(request, counts.by_status, status),
            columns=_columns(request),
            paging=paging_of(request, len(people), following, total, status=status, q=query),
            key=use.scope.ids.new(),
            query=query,
            chosen={"status": status, "q": query},
            month=wage_month(contract, use.scope.today()),
        )

    # ------------------------------------------------------------------ editor

    def editor(
        request: Request,
        contract: Contract,
        values: Mapping[str, str],
        person: Employee | None = None,
        error: KopruError | None = None,
    ) -> Reply:
        words = words_of(request)
        given: dict[str, Any] = {
            "contract": contract,
            "person": person,
            "values": values,
            "genders": [Option("female", words.text("female")), Option("male", words.text("male"))],
            "funds": [
                Option("interest", words.text("interest-bearing")),
                Option("interest_free", words.text("interest-free")),
            ],
            "stale": isinstance(error, PreconditionFailedError),
        }
        if error is None:
            return kit.draw(request, "employees/edit.html", **given)
        return kit.form(request, "employees/edit.html", error, **given)

    @app.page("GET", _ROUTE + "/new", permission="pensions:employee:write")
    def new_employee(request: Request) -> Reply:
        """The empty form."""
        return editor(request, use_of(request).store.contract(request.id()), {})

    @app.page("POST", _ROUTE, permission="pensions:employee:write")
    def add_employee(request: Request) -> Reply:
        """Add one person."""
        form, use = request.form(), use_of(request)
        contract = use.store.contract(request.id())
        try:
            person = use.add_employee()(contract.id, form_fields(form))
        except KopruError as error:
            return editor(request, contract, form, error=error)
        return go(f"/pensions/employees/{person.id}", done="added")

    @app.page("GET", "/pensions/employees/{id}/edit", permission="pensions:employee:write")
    def edit_employee(request: Request) -> Reply:
        """The form with the stored values; identity number and the like stay hidden."""
        person = person_of(request)
        contract = use_of(request).store.contract(person.contract_id)
        return editor(request, contract, _values(person, words_of(request).formats.number), person)

    @app.page("POST", "/pensions/employees/{id}/edit", permission="pensions:employee:write")
    def change_employee(request: Request) -> Reply:
        """Save the changed person; a stale form is shown again and says so."""
        form, use = request.form(), use_of(request)
        person = person_of(request)
        fields = form_fields(form, keep=True)
        try:
            after = use.change_employee()(person.id, version_of(form), fields)
        except KopruError as error:
            contract = use.store.contract(person.contract_id)
            return editor(request, contract, form, use.store.employee(person.id), error)
        done = "corrected" if after.status is EmployeeStatus.READY else "changed"
        return go(f"/pensions/employees/{person.id}", done=done)

    # ------------------------------------------------------------------ detail

    def draw_person(
        request: Request,
        person: Employee,
        *,
        clear: bool = False,
        error: KopruError | None = None,
        note: str = "",
    ) -> Reply:
        use = use_of(request)
        say = Say(words_of(request))
        contract = use.store.contract(person.contract_id)
        history = use.store.history(f"employee:{person.id}")
        values: dict[str, Any] = {
            "person": person,
            "contract": contract,
            "provider": provider_of(contract),
            "personal": _personal(person, clear=clear),
            "clear": clear,
            "editable": person.status in EDITABLE,
            "withdrawable": EmployeeStatus.CANCELLED in TRANSITIONS[person.status],
            "elsewhere": EmployeeStatus.DONE_ELSEWHERE in TRANSITIONS[person.status],
            "sendable": may_be_sent(person)
            and contract.state(use.scope.today()) is ContractState.READY,
            "entries": [history_entry(request, say, line) for line in reversed(history)],
            "note": note,
            "reasons": reveal_reasons(request),
            "key": use.scope.ids.new(),
        }
        if error is None:
            return kit.draw(request, "employees/detail.html", **values)
        return kit.form(request, "employees/detail.html", error, **values)

    @app.page("GET", "/pensions/employees/{id}", permission="pensions:employee:read")
    def show_employee(request: Request) -> Reply:
        """One person: data, what is wrong, and everything that happened."""
        return draw_person(request, person_of(request))

    @app.page("POST", "/pensions/employees/{id}/reveal", permission="pensions:person:reveal")
    def reveal_employee(request: Request) -> Reply:
        """Show identity number, phone, mail and IBAN in clear; the act is in the history."""
        person = person_of(request)
        prove(request, f"/pensions/employees/{person.id}")
        try:
            reason = parse_model(RevealIn, {"reason": request.form().get("reason", "")}).reason
        except KopruError as error:
            return draw_person(request, person, error=error)
        use_of(request).reveal_person()(person.id, RevealReason(reason))
        return draw_person(request, use_of(request).store.employee(person.id), clear=True)

    @app.page(
        "POST", "/pensions/employees/{id}/done-elsewhere", permission="pensions:employee:write"
    )
    def mark_done_elsewhere(request: Request) -> Reply:
        """Note that the person was enrolled in the insurer's own screens."""
        person, form = person_of(request), request.form()
        note = form.get("note", "").strip()
        try:
            body = parse_model(DoneElsewhereIn, {"note": note} if note else {})
            use_of(request).mark_done_elsewhere()(person.id, body.note)
        except KopruError as error:
            return draw_person(request, person, error=error, note=note)
        return go(f"/pensions/employees/{person.id}", done="elsewhere")

    def removal(request: Request, person: Employee, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        values: dict[str, Any] = {
            "title": words.text("Take %(name)s off the list?", name=person.full_name),
            "text": words.text(
                "The person disappears from the list of this contract. Nothing is sent to the "
                "insurer, and the history stays."
            ),
            "action": f"/pensions/employees/{person.id}/withdraw",
            "confirm": words.text("Take off the list"),
            "back": f"/pensions/employees/{person.id}",
            "hidden": {"version": person.stamp.version},
            "danger": True,
        }
        if error is None:
            return kit.draw(request, "confirm.html", **values)
        return kit.form(request, "confirm.html", error, **values)

    @app.page("GET", "/pensions/employees/{id}/withdraw", permission="pensions:employee:write")
    def ask_withdrawal(request: Request) -> Reply:
        """Ask before a person is taken off the list."""
        return removal(request, person_of(request))

    @app.page("POST", "/pensions/employees/{id}/withdraw", permission="pensions:employee:write")
    def withdraw_employee(request: Request) -> Reply:
        """Take a person off the list before anything was sent."""
        person = person_of(request)
        try:
            use_of(request).withdraw_employee()(person.id, version_of(request.form()))
        except KopruError as error:
            return removal(request, use_of(request).store.employee(person.id), error)
        return go(f"/pensions/contracts/{person.contract_id}/employees", done="removed")

    # ------------------------------------------------------------------ sending

    def check_page(
        request: Request,
        contract: Contract,
        chosen: Sequence[str] | None,
        error: KopruError | None = None,
    ) -> Reply:
        use = use_of(request)
        if chosen is None:
            counts = use.store.employee_counts(contract.id)
            total = counts.by_status.get("ready", 0)
            people, _ = find_employees(
                use.store, contract.id, limit=SHOWN_NAMES, after=None, status="ready"
            )
            refused: list[Employee] = []
        else:
            found = use.store.employees_by_id(chosen[:MAX_NAMED])
            mine = [p for p in found.values() if p.contract_id == contract.id]
            people = sorted((p for p in mine if may_be_sent(p)), key=lambda p: p.id)
            refused = sorted((p for p in mine if not may_be_sent(p)), key=lambda p: p.id)
            total = len(people)
        provider = provider_of(contract)
        values: dict[str, Any] = {
            "contract": contract,
            "provider": provider,
            "provider_name": provider.name_on(use.scope.today()),
            "state": contract.state(use.scope.today()),
            "can_enrol": provider.can(Capability.ENROL),
            "people": people[:SHOWN_NAMES],
            "refused": refused,
            "total": total,
            "calls": -(-total // provider.batch_size),
            "everybody": chosen is None,
            "ids": [person.id for person in people] if chosen is not None else [],
            "columns": _check_columns(request),
            "key": use.scope.ids.new(),
        }
        if error is None:
            return kit.draw(request, "employees/send.html", **values)
        return kit.form(request, "employees/send.html", error, **values)

    @app.page("GET", "/pensions/contracts/{id}/send", permission="pensions:submission:write")
    def check_everybody(request: Request) -> Reply:
        """What would be sent when all who are ready are sent."""
        return check_page(request, use_of(request).store.contract(request.id()), None)

    @app.page("POST", "/pensions/contracts/{id}/send", permission="pensions:submission:write")
    def check_selected(request: Request) -> Reply:
        """What would be sent when the selected are sent; nothing happens yet."""
        contract = use_of(request).store.contract(request.id())
        everybody = request.form().get("all") == "1"
        return check_page(request, contract, None if everybody else ids_of(request))

    @app.page(
        "POST", "/pensions/contracts/{id}/submissions", permission="pensions:submission:write"
    )
    def submit_employees(request: Request) -> Reply:
        """Send what the page before showed."""
        use, form = use_of(request), request.form()
        contract = use.store.contract(request.id())
        command = command_of(request)
        everybody = form.get("all") == "1"
        try:
            if everybody:
                started = use.submit_employees()(contract.id, None, command)
            else:
                started = use.resubmit_employees()(contract.id, ids_of(request), command)
        except KopruError as error:
            return check_page(request, contract, None if everybody else ids_of(request), error)
        return go(f"/pensions/jobs/{started.job_id}")

    @app.page(
        "POST", "/pensions/contracts/{id}/status-refreshes", permission="pensions:submission:write"
    )
    def refresh_status(request: Request) -> Reply:
        """Ask the insurer where everybody stands."""
        start = use_of(request).start_status_refresh()
        return go(f"/pensions/jobs/{start(request.id(), command_of(request)).job_id}")


def person_of(request: Request) -> Employee:
    """The person of the path; one who was taken off the list is the same 404 as an unknown one."""
    person = use_of(request).store.employee(request.id())
    if person.status is EmployeeStatus.CANCELLED:
        raise NotFoundError("not_found", "There is no such item.")
    return person


def form_fields(form: Mapping[str, str], *, keep: bool = False) -> dict[str, object]:
    """Fields of a person as stated by a form; with ``keep`` empty personal fields are left out."""
    fields: dict[str, object] = {
        name: form[name].strip() or None for name in _PLAIN if name in form
    }
    rate = form.get("contribution_rate")
    if rate is not None:
        fields["contribution_rate"] = decimal_text(rate) or None
    for name in PERSONAL:
        text = form.get(name, "").strip()
        if text:
            fields[name] = text
        elif f"remove_{name}" in form or not keep:
            fields[name] = None
    return fields


def _values(person: Employee, number: Any) -> dict[str, str]:
    """What the form shows: stored values, and refused input so that it can be corrected."""
    rate = person.contribution_rate
    stored = {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "birth_date": person.birth_date.isoformat() if person.birth_date else "",
        "hired_on": person.hired_on.isoformat() if person.hired_on else "",
        "left_on": person.left_on.isoformat() if person.left_on else "",
        "gender": person.gender or "",
        "fund_preference": person.fund_preference.value if person.fund_preference else "",
        "contribution_rate": number(rate.percent) if rate else "",
    }
    return {**stored, **(person.raw or {})}


def _row(person: Employee) -> dict[str, Any]:
    return {"id": person.id, "label": person.full_name or "–", "person": person}


def _personal(person: Employee, *, clear: bool) -> dict[str, str]:
    values = {name: getattr(person, name) for name in PERSONAL}
    return {
        name: "" if value is None else value.reveal("shown on request") if clear else value.masked
        for name, value in values.items()
    }


def _chips(request: Request, by_status: Mapping[str, int], active: str) -> list[Chip]:
    say = Say(words_of(request))
    query = request.query.get("q", "")
    everybody = sum(number for name, number in by_status.items() if name != "cancelled")
    chips = [
        Chip(words_of(request).text("All"), link(request.path, q=query), everybody, active == "")
    ]
    for status in EmployeeStatus:
        number = by_status.get(status.value, 0)
        if status is not EmployeeStatus.CANCELLED and (number or status.value == active):
            href = link(request.path, status=status.value, q=query)
            chips.append(Chip(say.employee(status).label, href, number, status.value == active))
    return chips


def _columns(request: Request) -> tuple[Column, ...]:
    words = words_of(request)
    return (
        Column("name", words.text("Name")),
        Column("national_id", words.text("Identity no")),
        Column("hired", words.text("Hired on")),
        Column("policy", words.text("Policy no")),
        Column("status", words.text("Status")),
        Column("actions", words.text("Actions"), hide_label=True),
    )


def _check_columns(request: Request) -> tuple[Column, ...]:
    words = words_of(request)
    return (
        Column("name", words.text("Name")),
        Column("national_id", words.text("Identity no")),
        Column("birth", words.text("Birth date")),
        Column("mobile", words.text("Mobile phone")),
        Column("hired", words.text("Hired on")),
        Column("rate", words.text("Rate"), numeric=True),
    )
