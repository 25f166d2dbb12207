"""What the API says about costs, in the reader's language."""

from typing import Any

from webkit.i18n import Language
from workspace.domain.cost_card import CardFigures, CostCard, CostLine, PriceList
from workspace.domain.tenant import Tenant
from workspace.pages.cost_words import line_name, spoken

Json = dict[str, Any]


def cost_line_out(words: Language, line: CostLine) -> Json:
    """One line. Units: ``usd_per_thousand`` and ``usd`` are decimal text, six and four digits."""
    return {
        "code": line.code,
        "name": line_name(words, line.code),
        "number": line.number,
        "usd_per_thousand": str(line.price.usd),
        "usd": str(line.amount),
        "why": spoken(words, line.why),
    }


def price_list_out(prices: PriceList) -> Json:
    """Which prices were used; nothing of a card was billed by AWS."""
    return {"region": prices.region, "as_of": prices.as_of, "billed": False}


def cost_summary_out(card: CostCard) -> Json:
    """The month, from when to when it is counted, and the sum; null where there are no figures."""
    counted = card.state is CardFigures.COUNTED
    return {
        "month": str(card.period),
        "status": card.state.value,
        "counted_from": card.since or None,
        "counted_until": card.until or None,
        "total": card.total.to_api() if counted else None,
        "total_usd": str(card.exact) if counted else None,
        "fallen": list(card.fallen),
    }


def cost_card_out(words: Language, card: CostCard) -> Json:
    """The card of the company."""
    return {
        **cost_summary_out(card),
        "lines": [cost_line_out(words, line) for line in card.lines],
        "price_list": price_list_out(card.price_list),
    }


def company_costs_out(tenant: Tenant, card: CostCard) -> Json:
    """One company of the operator's list."""
    return {"tenant_id": tenant.id, "name": tenant.name, **cost_summary_out(card)}


def installation_out(prices: PriceList) -> Json:
    """What an installation costs a month although nobody does anything; shared by all companies."""
    return {
        "total": prices.standing_total.to_api(),
        "parts": [
            {"code": each.code, "count": each.count, "usd": str(each.usd)}
            for each in prices.standing
        ],
        "price_list": price_list_out(prices),
    }
