"""Pages of a contribution month: totals and the gap in words, rows, calculation, collection."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kernel.errors import (
    KopruError,
    ParseError,
    PreconditionFailedError,
    Problem,
    ValidationError,
)
from kernel.money import Money
from kernel.parsing import parse_amount_tr, parse_date_api, parse_period, parse_rate_api
from kernel.periods import Period
from pensions.application.context import provider_of
from pensions.application.contributions import (
    ContributionChanges,
    ContributionFields,
    default_pay_day,
)
from pensions.application.find_contributions import find_contributions, of_month
from pensions.application.overview import wage_month
from pensions.domain.contract import Contract, ContractState
from pensions.domain.contribution import (
    EDITABLE,
    Contribution,
    ContributionStatus,
    PeriodSummary,
    summarise,
)
from pensions.domain.employee import Employee, EmployeeStatus
from pensions.domain.provider import Capability
from pensions.pages.contribution import computed, contribution_named, why_of
from pensions.pages.kit import Kit, command_of, decimal_text, go, period_of, use_of, version_of
from pensions.pages.words import Say, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip, Column, Paging, Step, StepState
from webkit.urls import link, relink

ROWS: Final = 100
CALCULATED_AT_ONCE: Final = 200
_MONTHS: Final = 12
_ROUTE: Final = "/pensions/contracts/{id}/months"
_ONE: Final = _ROUTE + "/{period}"
_MONEY_FIELDS: Final = ("earnings", "amount")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of contributions."""

    @app.page("GET", _ROUTE, permission="pensions:contribution:read")
    def choose_month(request: Request) -> Reply:
        """The months of a contract; a month typed by hand leads there."""
        use = use_of(request)
        contract = use.store.contract(request.id())
        typed = request.query.get("month", "")
        if typed:
            try:
                return go(f"/pensions/contracts/{contract.id}/months/{parse_period(typed)}")
            except ParseError:
                pass  # an unreadable month shows the list again
        newest = wage_month(contract, use.scope.today())
        months = [newest.shift(1 - number) for number in range(_MONTHS)]
        first = Period.of(contract.starts_on)
        rows = [
            {"id": str(month), "period": month, "summary": _summary(use.store, contract.id, month)}
            for month in months
            if month >= first
        ]
        words = words_of(request)
        columns = (
            Column("month", words.text("Wage month")),
            Column("rows", words.text("Rows"), numeric=True),
            Column("total", words.text("Total contribution"), numeric=True),
            Column("payable", words.text("Payable"), numeric=True),
            Column("state", words.text("State")),
        )
        return kit.draw(
            request,
            "months/list.html",
            contract=contract,
            nav=kit.contract_nav(request, contract, "months"),
            months=rows,
            columns=columns,
            newest=newest,
        )

    @app.page("GET", _ONE, permission="pensions:contribution:read")
    def show_month(request: Request) -> Reply:
        """Total, payable, the gap between them with its reasons, the path, and all rows."""
        use = use_of(request)
        contract, period = use.store.contract(request.id()), period_of(request)
        items = of_month(use.store, contract.id, period)
        summary = summarise(items)
        wish = request.query.get("status", "")
        query = request.query.get("q", "")[:100]
        shown = find_contributions(use.store, items, status=wish, query=query)
        page = request.query.get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1
        start = (max(number, 1) - 1) * ROWS
        part = shown[start : start + ROWS]
        people = use.store.employees_by_id(list({item.employee_id for item in part}))
        here = link(request.path, **{k: v for k, v in request.query.items() if k != "done"})
        more = start + ROWS < len(shown)
        state = contract.state(use.scope.today())
        provider = provider_of(contract)
        counts = use.store.employee_counts(contract.id)
        return kit.draw(
            request,
            "months/month.html",
            contract=contract,
            provider=provider,
            provider_name=provider.name_on(use.scope.today()),
            state=state,
            period=period,
            nav=kit.contract_nav(request, contract, "months"),
            summary=summary,
            gap_total=summary.total - summary.payable,
            policies=counts.policies,
            rows=[_row(request, item, people) for item in part],
            columns=_columns(request),
            chips=_chips(request, items, wish),
            paging=Paging(
                len(part),
                total=len(shown),
                next_href=relink(here, page=number + 1) if more else None,
                first_href=relink(here, page=None) if number > 1 else None,
            ),
            steps=_steps(request, contract, period, summary, counts.policies, items),
            sendable=summary.calculated > 0
            and state is ContractState.READY
            and provider.can(Capability.COLLECT),
            final=summary.final and summary.payable.minor > 0,
            chosen={"status": wish, "q": query},
            key=use.scope.ids.new(),
        )

    # ------------------------------------------------------------------ single rows

    def row_form(
        request: Request,
        contract: Contract,
        period: Period,
        values: Mapping[str, str],
        item: Contribution | None = None,
        error: KopruError | None = None,
    ) -> Reply:
        use = use_of(request)
        person = use.store.employee(item.employee_id) if item else None
        given: dict[str, Any] = {
            "contract": contract,
            "period": period,
            "values": values,
            "item": item,
            "person": person,
            "people": [] if item else _people(use.store, contract.id),
            "stale": isinstance(error, PreconditionFailedError),
        }
        if error is None:
            return kit.draw(request, "months/row.html", **given)
        return kit.form(request, "months/row.html", error, **given)

    @app.page("GET", _ONE + "/rows/new", permission="pensions:contribution:write")
    def new_row(request: Request) -> Reply:
        """The empty form of one more contribution."""
        contract, period = use_of(request).store.contract(request.id()), period_of(request)
        values = {"paid_on": default_pay_day(contract, period).isoformat()}
        return row_form(request, contract, period, values)

    @app.page("POST", _ONE + "/rows", permission="pensions:contribution:write")
    def add_row(request: Request) -> Reply:
        """Add one contribution by hand."""
        form, use = request.form(), use_of(request)
        contract, period = use.store.contract(request.id()), period_of(request)
        try:
            use.add_contribution()(contract.id, period, _stated(form))
        except KopruError as error:
            return row_form(request, contract, period, form, error=error)
        return go(f"/pensions/contracts/{contract.id}/months/{period}", done="row_added")

    @app.page("GET", "/pensions/contributions/{id}/edit", permission="pensions:contribution:write")
    def edit_row(request: Request) -> Reply:
        """The form with the stored values."""
        item = contribution_named(request)
        contract = use_of(request).store.contract(item.contract_id)
        number = words_of(request).formats.number
        typed = {
            "earnings": _typed(item.earnings),
            "rate": number(item.rate.percent),
            "paid_on": item.paid_on.isoformat(),
        }
        if not computed(item):
            typed["amount"] = _typed(item.amount)
        return row_form(request, contract, item.period, typed, item)

    @app.page("POST", "/pensions/contributions/{id}/edit", permission="pensions:contribution:write")
    def change_row(request: Request) -> Reply:
        """Save the changed row."""
        form, use, item = request.form(), use_of(request), contribution_named(request)
        contract = use.store.contract(item.contract_id)
        try:
            changes = _changes(form, item)
            use.change_contribution()(item.id, version_of(form), changes)
        except KopruError as error:
            fresh = use.store.contribution(item.id)
            return row_form(request, contract, item.period, form, fresh, error)
        return go(f"/pensions/contracts/{contract.id}/months/{item.period}", done="changed")

    @app.page(
        "GET", "/pensions/contributions/{id}/remove", permission="pensions:contribution:write"
    )
    def ask_removal(request: Request) -> Reply:
        """Ask before a row is withdrawn."""
        return removal(request, contribution_named(request))

    def removal(request: Request, item: Contribution, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        person = use_of(request).store.employee(item.employee_id)
        values: dict[str, Any] = {
            "title": words.text("Remove the contribution of %(name)s?", name=person.full_name),
            "text": words.text(
                "%(amount)s for %(month)s leaves the list. Nothing is sent to the insurer, and the "
                "history stays.",
                amount=item.amount,
                month=item.period,
            ),
            "action": f"/pensions/contributions/{item.id}/remove",
            "confirm": words.text("Remove contribution"),
            "back": f"/pensions/contracts/{item.contract_id}/months/{item.period}",
            "hidden": {"version": item.stamp.version},
            "danger": True,
        }
        if error is None:
            return kit.draw(request, "confirm.html", **values)
        return kit.form(request, "confirm.html", error, **values)

    @app.page(
        "POST", "/pensions/contributions/{id}/remove", permission="pensions:contribution:write"
    )
    def remove_row(request: Request) -> Reply:
        """Withdraw a row before it is sent."""
        item = contribution_named(request)
        try:
            use_of(request).remove_contribution()(item.id, version_of(request.form()))
        except KopruError as error:
            return removal(request, use_of(request).store.contribution(item.id), error)
        return go(f"/pensions/contracts/{item.contract_id}/months/{item.period}", done="removed")

    # ------------------------------------------------------------------ calculation

    def calculation(
        request: Request,
        contract: Contract,
        period: Period,
        typed: Mapping[str, str],
        error: KopruError | None = None,
    ) -> Reply:
        use = use_of(request)
        rows = {
            item.employee_id: item
            for item in of_month(use.store, contract.id, period)
            if item.sequence == 1
        }
        people = _people(use.store, contract.id)
        columns = _calculation_columns(request)
        values: dict[str, Any] = {
            "contract": contract,
            "period": period,
            "people": [
                {
                    "id": person.id,
                    "label": person.full_name,
                    "person": person,
                    "item": rows.get(person.id),
                    "fixed": person.id in rows and rows[person.id].status not in EDITABLE,
                    "value": typed.get(f"earnings-{person.id}", _earnings(rows.get(person.id))),
                }
                for person in people[:CALCULATED_AT_ONCE]
            ],
            "left_out": max(0, len(people) - CALCULATED_AT_ONCE),
            "paid_on": typed.get("paid_on", default_pay_day(contract, period).isoformat()),
            "columns": columns,
        }
        if error is None:
            return kit.draw(request, "months/calculate.html", **values)
        return kit.form(request, "months/calculate.html", error, **values)

    @app.page("GET", _ONE + "/calculate", permission="pensions:contribution:write")
    def ask_earnings(request: Request) -> Reply:
        """A table of people with their pensionable earnings of the month."""
        contract = use_of(request).store.contract(request.id())
        return calculation(request, contract, period_of(request), {})

    @app.page("POST", _ONE + "/calculate", permission="pensions:contribution:write")
    def calculate_month(request: Request) -> Reply:
        """Compute the rows whose earnings were stated."""
        form, use = request.form(), use_of(request)
        contract, period = use.store.contract(request.id()), period_of(request)
        try:
            fields = _earnings_rows(form)
            results = use.calculate_contributions()(contract.id, period, fields)
            problems = [
                Problem(
                    f"/earnings-{fields[result.row].employee_id}",
                    result.problem.code,
                    result.problem.message,
                )
                for result in results
                if result.problem is not None
            ]
            if problems:
                raise ValidationError("invalid_input", "", problems=problems)
        except KopruError as error:
            return calculation(request, contract, period, form, error)
        return go(f"/pensions/contracts/{contract.id}/months/{period}", done="changed")

    # ------------------------------------------------------------------ collection

    def check_page(
        request: Request, contract: Contract, period: Period, error: KopruError | None = None
    ) -> Reply:
        use = use_of(request)
        items = [
            item
            for item in of_month(use.store, contract.id, period)
            if item.status is ContributionStatus.CALCULATED
        ]
        people = use.store.employees_by_id([item.employee_id for item in items[:ROWS]])
        provider = provider_of(contract)
        days = Counter(item.paid_on for item in items)
        words = words_of(request)
        values: dict[str, Any] = {
            "contract": contract,
            "provider": provider,
            "provider_name": provider.name_on(use.scope.today()),
            "state": contract.state(use.scope.today()),
            "period": period,
            "rows": [_row(request, item, people) for item in items[:ROWS]],
            "count": len(items),
            "total": Money(sum(item.amount.minor for item in items), "TRY"),
            "days": sorted(days.items()),
            "calls": -(-len(items) // provider.batch_size),
            "columns": (
                Column("name", words.text("Name")),
                Column("policy", words.text("Policy no")),
                Column("paid", words.text("Wage payment day")),
                Column("rate", words.text("Rate"), numeric=True),
                Column("amount", words.text("Contribution"), numeric=True),
            ),
            "key": use.scope.ids.new(),
        }
        if error is None:
            return kit.draw(request, "months/send.html", **values)
        return kit.form(request, "months/send.html", error, **values)

    @app.page("GET", _ONE + "/send", permission="pensions:submission:write")
    def check_month(request: Request) -> Reply:
        """What would be sent, before it is sent."""
        contract = use_of(request).store.contract(request.id())
        return check_page(request, contract, period_of(request))

    @app.page("POST", _ONE + "/submissions", permission="pensions:submission:write")
    def submit_month(request: Request) -> Reply:
        """Send what the page before showed."""
        use = use_of(request)
        contract, period = use.store.contract(request.id()), period_of(request)
        try:
            started = use.submit_contributions()(contract.id, period, command_of(request))
        except KopruError as error:
            return check_page(request, contract, period, error)
        return go(f"/pensions/jobs/{started.job_id}")


# ---------------------------------------------------------------------------- reading


def _summary(store: Any, contract_id: str, period: Period) -> PeriodSummary:
    return summarise(of_month(store, contract_id, period))


def _people(store: Any, contract_id: str) -> list[Employee]:
    """People with a policy, for whom a contribution can be sent."""
    return [
        person
        for person in store.employees(contract_id)
        if person.status is EmployeeStatus.ENROLLED
    ]


def _row(request: Request, item: Contribution, people: Mapping[str, Employee]) -> dict[str, Any]:
    person = people.get(item.employee_id)
    return {
        "id": item.id,
        "label": person.full_name if person else "–",
        "person": person,
        "item": item,
        "why": why_of(request, item),
        "editable": item.status in EDITABLE,
    }


def _chips(request: Request, items: Sequence[Contribution], active: str) -> list[Chip]:
    say = Say(words_of(request))
    counts = Counter(item.status for item in items)
    query = request.query.get("q", "")
    chips = [
        Chip(words_of(request).text("All"), link(request.path, q=query), len(items), not active)
    ]
    for status in ContributionStatus:
        if counts[status]:
            href = link(request.path, status=status.value, q=query)
            label = say.contribution(status).label
            chips.append(Chip(label, href, counts[status], status.value == active))
    return chips


def _columns(request: Request) -> tuple[Column, ...]:
    words = words_of(request)
    return (
        Column("name", words.text("Name")),
        Column("paid", words.text("Wage payment day")),
        Column("earnings", words.text("Pensionable earnings"), numeric=True),
        Column("rate", words.text("Rate"), numeric=True),
        Column("amount", words.text("Contribution"), numeric=True),
        Column("status", words.text("Status")),
        Column("actions", words.text("Actions"), hide_label=True),
    )


def _calculation_columns(request: Request) -> tuple[Column, ...]:
    words = words_of(request)
    return (
        Column("name", words.text("Name")),
        Column("policy", words.text("Policy no")),
        Column("earnings", words.text("Pensionable earnings")),
        Column("amount", words.text("Contribution"), numeric=True),
    )


def _steps(
    request: Request,
    contract: Contract,
    period: Period,
    summary: PeriodSummary,
    policies: int,
    items: Sequence[Contribution],
) -> list[Step]:
    """The gates of a month in their order; the first that is not passed is where we are."""
    words = words_of(request)
    reasons = {item.reason: item.count for item in summary.gap}
    awaiting, rejected = reasons.get("awaiting_insurer", 0), reasons.get("rejected", 0)
    base = f"/pensions/contracts/{contract.id}/months/{period}"
    settled = bool(items) and all(item.status is not ContributionStatus.ACCEPTED for item in items)
    gates = [
        (words.text("Policy numbers"), policies > 0, None, None),
        (words.text("Contributions calculated"), summary.count > 0, f"{base}/calculate", None),
        (
            words.text("Sent to the insurer"),
            summary.count > 0 and summary.calculated == 0,
            None,
            words.plural("%(num)s row left", "%(num)s rows left", summary.calculated)
            if summary.calculated
            else None,
        ),
        (
            words.text("Collection processed"),
            summary.final and not rejected,
            None,
            words.plural("%(num)s row awaited", "%(num)s rows awaited", awaiting)
            if awaiting
            else words.plural("%(num)s row refused", "%(num)s rows refused", rejected)
            if rejected
            else None,
        ),
        (
            words.text("Paid by bank order"),
            summary.final and summary.payable.minor > 0 and settled,
            None,
            None,
        ),
    ]
    steps, current = [], True
    for label, passed, href, note in gates:
        state = StepState.DONE if passed else StepState.CURRENT if current else StepState.PENDING
        current = current and passed
        steps.append(Step(label, state, note, None if passed else href))
    return steps


# ---------------------------------------------------------------------------- forms


def _typed(money: Money | None) -> str:
    """An amount as its field shows it: ``33030,00``."""
    return "" if money is None else money.amount_text.replace(".", ",")


def _earnings(item: Contribution | None) -> str:
    return _typed(item.earnings) if item else ""


def _values_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Amounts, rate and day of a form. Raises ValidationError with a problem per field."""
    readers: Mapping[str, Callable[[str], Any]] = {
        "earnings": parse_amount_tr,
        "amount": parse_amount_tr,
        "rate": lambda text: parse_rate_api(decimal_text(text)),
        "paid_on": parse_date_api,
    }
    values: dict[str, Any] = {}
    problems = []
    for name, read in readers.items():
        text = form.get(name, "").strip()
        if not text:
            continue
        try:
            values[name] = read(text)
        except ParseError as error:
            problems.append(Problem(f"/{name}", error.code.lower(), error.message))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return values


def _stated(form: Mapping[str, str]) -> ContributionFields:
    problems = []
    if not form.get("employee_id"):
        problems.append(Problem("/employee_id", "required", "This is required."))
    try:
        values = _values_of(form)
    except ValidationError as error:
        raise ValidationError(
            error.code, error.message, problems=[*problems, *error.problems]
        ) from None
    if not any(name in values for name in _MONEY_FIELDS):
        problems.append(Problem("/earnings", "earnings_or_amount", "State one of the two."))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return ContributionFields(employee_id=form["employee_id"], **values)


def _changes(form: Mapping[str, str], item: Contribution) -> ContributionChanges:
    """Only what differs from the row: an amount that is computed follows the new earnings."""
    values = _values_of(form)
    before = {
        "earnings": item.earnings,
        "rate": item.rate,
        "paid_on": item.paid_on,
        "amount": None if computed(item) else item.amount,
    }
    return ContributionChanges(
        **{name: value for name, value in values.items() if value != before[name]}
    )


def _earnings_rows(form: Mapping[str, str]) -> list[ContributionFields]:
    """Rows whose earnings were typed. Raises ValidationError with a problem per field."""
    rows, problems = [], []
    paid_on = None
    if text := form.get("paid_on", "").strip():
        try:
            paid_on = parse_date_api(text)
        except ParseError as error:
            problems.append(Problem("/paid_on", error.code.lower(), error.message))
    for name, text in form.items():
        prefix, _, employee_id = name.partition("-")
        if prefix != "earnings" or not text.strip():
            continue
        try:
            earnings = parse_amount_tr(text.strip())
        except ParseError as error:
            problems.append(Problem(f"/{name}", error.code.lower(), error.message))
        else:
            rows.append(ContributionFields(employee_id, earnings=earnings, paid_on=paid_on))
    if not rows and not problems:
        problems.append(Problem("", "nothing_typed", "Type the earnings of at least one person."))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return rows
