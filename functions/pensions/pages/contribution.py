"""One contribution: what it is, why its amount is what it is, and why it is due when it is."""

from kernel.errors import NotFoundError
from pensions.application.context import provider_of
from pensions.domain.contribution import Contribution, ContributionStatus
from pensions.domain.contribution_rules import calculate
from pensions.domain.deadlines import Deadline, payment_deadline
from pensions.pages.kit import Kit, use_of
from pensions.pages.words import explain, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.reader import language_of


def computed(item: Contribution) -> bool:
    """Whether the amount follows from earnings and rate, instead of having been stated."""
    return item.earnings is not None and calculate(item.earnings, item.rate).amount == item.amount


def why_of(request: Request, item: Contribution) -> list[str]:
    """Why the amount is what it is, in the reader's language."""
    if computed(item):
        return explain(calculate(item.earnings, item.rate).why, language_of(request))
    if item.amount or item.earnings is not None:
        return [words_of(request).text("The amount was stated as it is; it was not computed.")]
    return explain(calculate(None, item.rate).why, language_of(request))


def deadline_of(request: Request, item: Contribution) -> Deadline:
    """Last day to pay the insurer what was cut from the wages of this contribution, and why."""
    return payment_deadline(item.paid_on, use_of(request).scope.calendar())


def contribution_named(request: Request) -> Contribution:
    """The contribution of the path; one that was taken out is the same 404 as an unknown one."""
    item = use_of(request).store.contribution(request.id())
    if item.status is ContributionStatus.CANCELLED:
        raise NotFoundError("not_found", "There is no such item.")
    return item


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of one contribution."""

    @app.page("GET", "/pensions/contributions/{id}", permission="pensions:contribution:read")
    def show_contribution(request: Request) -> Reply:
        """One contribution and the reasons of its amount and of its deadline."""
        use, item = use_of(request), contribution_named(request)
        deadline = deadline_of(request, item)
        contract = use.store.contract(item.contract_id)
        return kit.draw(
            request,
            "months/contribution.html",
            contract=contract,
            provider_name=provider_of(contract).name_on(use.scope.today()),
            item=item,
            person=use.store.employees_by_id([item.employee_id]).get(item.employee_id),
            why=why_of(request, item),
            due_on=deadline.due_on,
            due_why=explain(deadline.why, language_of(request)),
        )
