"""Forms Ba and Bs: their figures and parameters."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from kernel.money import Money
from kernel.periods import Period
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.figures import Figure, FormFigures
from reconciliation.domain.parameters import (
    Key,
    OwnRows,
    ParameterRow,
    in_order,
)
from reconciliation.domain.values import parse_line
from reconciliation.schemas.fields import PERIOD, Say, part_out, party_out
from toolkit.http.fields import EdgeModel, choice, parsed

_MAX_PARAMETERS: Final = 100


class BabsParameterIn(EdgeModel):
    """One value of the company's own, from a period on, with where it stands."""

    key: Annotated[Key, choice(Key)]
    since: Annotated[Period, parsed(Period.parse, PERIOD)]
    value: str = Field(max_length=200)
    legal_ref: Annotated[str, parsed(lambda value: parse_line(value, 200))]

    def to_domain(self) -> ParameterRow:
        """The row as it was stated."""
        return ParameterRow(self.key, self.since, self.value, self.legal_ref, own=True)


class BabsParametersIn(EdgeModel):
    """Body of replacing the company's own parameters."""

    items: list[BabsParameterIn] = Field(max_length=_MAX_PARAMETERS)


def figure_out(row: Figure, cards: Mapping[str, Counterparty], say: Say) -> dict[str, Any]:
    """One row of a month: listed as on the form, then the exact figures of both readings."""
    known = [cards[card] for card in row.cards if card in cards]
    return {
        "counterparties": [
            {"id": card.id, "code": card.fields.code, "title": card.fields.title} for card in known
        ],
        **(party_out(known[0].fields.party) if known else {}),
        "document_count": row.listed_documents,
        "total": row.listed_total.to_api(),
        "form": part_out(row.form),
        "all": part_out(row.all_documents),
        "listed": row.listed,
        "why": say(row.why),
    }


def figures_out(shown: FormFigures, rows: Sequence[Figure], say: Say) -> dict[str, Any]:
    """A form of a month without its paging: rules, deadline, totals of what is listed, rows."""
    figures, rules = shown.figures, shown.rules
    listed = [row for row in figures.rows if row.listed]
    total = sum((row.listed_total.minor for row in listed), 0)
    return {
        "period": str(rules.period),
        "form": shown.form.value,
        "file_form": figures.file_form,
        "file_form_why": say((figures.why,)),
        "due_on": shown.due.due_on.isoformat() if shown.due else None,
        "due_why": say(shown.due.why) if shown.due else [],
        "rules": {
            "threshold": rules.threshold.to_api(),
            "e_documents_listed": rules.e_documents_listed,
            "document_kinds": sorted(kind.value for kind in rules.kinds),
        },
        "listed": {
            "counterparties": len(listed),
            "document_count": sum(row.listed_documents for row in listed),
            "total": Money(total, "TRY").to_api(),
        },
        "items": [figure_out(row, shown.cards, say) for row in rows],
        "total": len(figures.rows),
    }


def parameters_out(own: OwnRows) -> dict[str, Any]:
    """Everything that counts: what the product knows, and what the company set itself."""
    return {
        "items": [
            {
                "key": row.key.value,
                "since": str(row.since),
                "value": row.value,
                "legal_ref": row.legal_ref,
                "confirmed": row.confirmed,
                "own": row.own,
            }
            for row in in_order(own)
        ],
        "version": own.stamp.version,
        "updated_at": own.stamp.updated_at,
        "next_cursor": None,
    }
