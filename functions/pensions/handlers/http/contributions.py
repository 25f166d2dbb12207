"""Contributions of a month, their collection and the remittance (PEN-08, PEN-09)."""

from typing import Final

from kernel.errors import NotFoundError, Problem, ValidationError
from kernel.parsing import parse_period
from kernel.periods import Period
from pensions.application.contributions import (
    ContributionChanges,
    ContributionFields,
    RowResult,
)
from pensions.application.find_contributions import find_contributions, of_month
from pensions.domain.contribution import Contribution, ContributionStatus, summarise
from pensions.domain.remittance import Remittance
from pensions.handlers.http.app import app, language_of, pensions
from pensions.handlers.http.uploads import period_of_query, start_import
from pensions.pages.contribution import contribution_named, deadline_of, why_of
from pensions.pages.words import explain
from pensions.schemas import (
    CalculationIn,
    ContributionIn,
    ContributionPatch,
    MonthIn,
    contribution_out,
    remittance_out,
    sanction_out,
    summary_out,
)
from toolkit.entrypoints.http import Reply, Request, accepted, etag
from toolkit.http.files import file_reply

_ROUTE: Final = "/v1/pensions/contracts/{id}/contributions"
_ORDER_FORMATS: Final = frozenset({"pain001", "csv", "pdf", "text"})


def _reply(item: Contribution, status: int = 200) -> Reply:
    headers = {"etag": etag(item.stamp.version)}
    if status == 201:
        headers["location"] = f"/v1/pensions/contracts/{item.contract_id}/contributions/{item.id}"
    return Reply(contribution_out(item), status, headers)


def _under(request: Request) -> Contribution:
    item = pensions(request).store.contribution(request.id("contribution_id"))
    if item.contract_id != request.id() or item.status is ContributionStatus.CANCELLED:
        raise NotFoundError("not_found", "There is no such item.")
    return item


@app.api("GET", _ROUTE, permission="pensions:contribution:read")
def list_contributions(request: Request) -> Reply:
    """All contributions of a contract and month with total, payable and the itemised gap.

    ``status`` and ``q`` choose rows; the summary is always that of the month.
    """
    use = pensions(request)
    contract = use.store.contract(request.id())
    items = of_month(use.store, contract.id, period_of_query(request))
    query = request.query.get("q", "")[:100]
    status = request.query.get("status", "")
    shown = find_contributions(use.store, items, status=status, query=query)
    return Reply(
        {
            "items": [contribution_out(item) for item in shown],
            "next_cursor": None,
            "total": len(items),
            "summary": summary_out(summarise(items)),
        }
    )


@app.api("POST", _ROUTE, permission="pensions:contribution:write")
def add_contribution(request: Request) -> Reply:
    """Add one contribution by hand."""
    body = request.json(ContributionIn)
    if body.amount is None and body.pensionable_earnings is None:
        raise ValidationError(
            "invalid_input",
            "Some fields are wrong.",
            problems=[Problem("/amount", "required", "State amount or pensionable_earnings.")],
        )
    fields = ContributionFields(
        employee_id=body.employee_id,
        earnings=body.pensionable_earnings,
        rate=body.rate,
        amount=body.amount,
        paid_on=body.paid_on,
    )
    return _reply(pensions(request).add_contribution()(request.id(), body.period(), fields), 201)


@app.api("GET", _ROUTE + "/{contribution_id}", permission="pensions:contribution:read")
def show_contribution(request: Request) -> Reply:
    """One contribution."""
    return _reply(_under(request))


@app.api("GET", "/v1/pensions/contributions/{id}", permission="pensions:contribution:read")
def show_contribution_by_id(request: Request) -> Reply:
    """One contribution, without naming the contract: why its amount is what it is, by when the
    insurer is to be paid, and why by then.
    """
    item = contribution_named(request)
    deadline = deadline_of(request, item)
    shown = {
        **contribution_out(item),
        "why": why_of(request, item),
        "due_on": deadline.due_on.isoformat(),
        "due_why": explain(deadline.why, language_of(request)),
    }
    return Reply(shown, 200, {"etag": etag(item.stamp.version)})


@app.api("PATCH", _ROUTE + "/{contribution_id}", permission="pensions:contribution:write")
def change_contribution(request: Request) -> Reply:
    """Change one contribution that is not sent."""
    before = _under(request)
    body = request.json(ContributionPatch)
    changes = ContributionChanges(
        earnings=body.pensionable_earnings,
        rate=body.rate,
        amount=body.amount,
        paid_on=body.paid_on,
    )
    change = pensions(request).change_contribution()
    return _reply(change(before.id, request.expected_version(), changes))


@app.api("DELETE", _ROUTE + "/{contribution_id}", permission="pensions:contribution:write")
def remove_contribution(request: Request) -> Reply:
    """Withdraw one contribution before it is sent."""
    before = _under(request)
    pensions(request).remove_contribution()(before.id, request.expected_version())
    return Reply(None, 204)


@app.api("POST", _ROUTE + "/calculate", permission="pensions:contribution:write")
def calculate_contributions(request: Request) -> Reply:
    """Compute a month from pensionable earnings; every row says what became of it."""
    body = request.json(CalculationIn)
    rows = [
        ContributionFields(
            employee_id=row.employee_id,
            earnings=row.pensionable_earnings,
            rate=row.rate,
            paid_on=row.paid_on or body.paid_on,
        )
        for row in body.rows
    ]
    use = pensions(request)
    results = use.calculate_contributions()(request.id(), body.period(), rows)
    problems = [result.problem for result in results if result.problem is not None]
    if problems and len(problems) == len(results):
        raise ValidationError("invalid_input", "No row could be computed.", problems=problems)
    items = list(use.store.contributions(request.id(), body.period()))
    computed = {result.contribution_id for result in results}
    return Reply(
        {
            "items": [contribution_out(item) for item in items if item.id in computed],
            "rows": [_row(result) for result in results],
            "summary": summary_out(summarise(items)),
        }
    )


def _row(result: RowResult) -> dict[str, object]:
    problem = result.problem
    return {
        "row": result.row,
        "outcome": result.outcome,
        "contribution_id": result.contribution_id or None,
        "problem": None
        if problem is None
        else {"pointer": problem.pointer, "code": problem.code, "message": problem.message},
    }


@app.api("POST", _ROUTE + "/imports", permission="pensions:contribution:write")
def import_contributions(request: Request) -> Reply:
    """Import the earnings or amounts of a month from a file."""
    return start_import(request, "contributions")


@app.api(
    "POST",
    "/v1/pensions/contracts/{id}/contribution-submissions",
    permission="pensions:submission:write",
)
def submit_contributions(request: Request) -> Reply:
    """Send the calculated contributions of a month to the insurer."""
    command = request.command()
    period = request.json(MonthIn).period()
    started = pensions(request).submit_contributions()(request.id(), period, command)
    return accepted(started.job_id, "contribution_submission")


def _month_of_path(request: Request) -> Period:
    """The month a path names; anything that is none is the same 404 as a foreign id."""
    try:
        return parse_period(request.path_values["period"])
    except ValidationError:
        raise NotFoundError("not_found", "There is no such item.") from None


@app.api(
    "GET",
    "/v1/pensions/contracts/{id}/remittances/{period}",
    permission="pensions:remittance:read",
)
def show_remittance(request: Request) -> Reply:
    """The bank order of a month, or its file with ``?format=pain001|csv|pdf|text``."""
    use = pensions(request)
    period = _month_of_path(request)
    contract, remittance = use.show_remittance()(request.id(), period)
    chosen = request.query.get("format")
    language = language_of(request)
    sanction = use.check_sanction()(contract, remittance)
    if chosen is None:
        shown = remittance_out(remittance, _whys(remittance, language))
        because = explain(sanction.why, language)
        return Reply({**shown, "approval": sanction_out(sanction, because)})
    if chosen not in _ORDER_FORMATS:
        raise ValidationError(
            "invalid_input",
            "There is no such format.",
            problems=[Problem("/format", "choice", "Use pain001, csv, pdf or text.")],
        )
    use.check_sanction().require(contract, remittance)
    writer = use.bank_orders(request.principal.tenant_name or "")
    file = writer.write(chosen, remittance, contract, language=language)
    return file_reply(file)


@app.api(
    "POST",
    "/v1/pensions/contracts/{id}/remittances/{period}/approval",
    permission="pensions:remittance:ask",
)
def ask_sanction(request: Request) -> Reply:
    """Ask for the approval of a bank order above the company's limit."""
    use = pensions(request)
    contract, remittance = use.show_remittance()(request.id(), _month_of_path(request))
    use.ask_sanction()(contract, remittance)
    sanction = use.check_sanction()(contract, remittance)
    because = explain(sanction.why, language_of(request))
    return Reply(sanction_out(sanction, because), 202)


def _whys(remittance: Remittance, language: str) -> dict[str, list[str]]:
    return {part.paid_on.isoformat(): explain(part.why, language) for part in remittance.parts}


@app.api(
    "POST",
    "/v1/pensions/contracts/{id}/remittances/{period}/mark-paid",
    permission="pensions:remittance:write",
)
def mark_paid(request: Request) -> Reply:
    """Note that the bank order was given."""
    use = pensions(request)
    period = _month_of_path(request)
    remittance = use.mark_remittance_paid()(request.id(), period)
    language = language_of(request)
    return Reply(remittance_out(remittance, _whys(remittance, language)))
