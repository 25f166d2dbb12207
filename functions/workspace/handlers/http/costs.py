"""Cost cards: what a month of a company cost, counted by the seals."""

from kernel.errors import Problem
from kernel.periods import Period
from toolkit.entrypoints.http import Reply, Request
from workspace.domain.problems import invalid, parsed_at
from workspace.handlers.http.answers import company_costs_out, cost_card_out, installation_out
from workspace.handlers.http.app import app, cursor_to, position_of, use
from workspace.pages.cost_words import cost_file
from workspace.pages.words import actor_of, words_of
from workspace.schemas import list_out


@app.api("GET", "/v1/costs", permission="workspace:cost:read")
def show_costs(request: Request) -> Reply:
    """The card of ``?month=2026-11``, the running month without it; ``?format=csv`` or xlsx."""
    month = _month(request)
    file_format = request.query.get("format", "json")
    if file_format not in ("json", "csv", "xlsx"):
        raise invalid(Problem("/format", "choice", "Use json, csv or xlsx."))
    card = use().read_cost_card()(request.tenant, month)
    words = words_of(request)
    if file_format != "json":
        return cost_file(use().table_writer, card, words, file_format)
    return Reply(cost_card_out(words, card))


@app.api("GET", "/v1/operator/costs", permission="operator:cost:read")
def list_costs(request: Request) -> Reply:
    """The totals of all companies for a month, and what the installation costs beside them."""
    month = _month(request)
    filters = {"month": request.query.get("month", "")}
    page = use().list_cost_cards()(
        actor_of(request),
        month,
        limit=request.limit(),
        after=position_of(request, filters=filters),
    )
    items = [company_costs_out(tenant, card) for tenant, card in page.items]
    following = cursor_to(request, page.next, filters=filters)
    standing = installation_out(use().price_list)
    return Reply({**list_out(items, following), "installation": standing})


def _month(request: Request) -> Period | None:
    text = request.query.get("month")
    return None if text is None else parsed_at("/month", lambda: Period.parse(text))
