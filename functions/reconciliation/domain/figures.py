"""Figures of a month and direction: what the form lists, what all documents say, and why (REC-01).

Two figures stand beside each other for every counterparty: ``form`` (documents the form can list,
since July 2021 the paper ones) and ``all`` (every document). A letter that does not say which one
it reconciles makes two companies compare different things (domain/reconciliation.md §3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from kernel.money import Money, truncate_to_major
from kernel.why import Why
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.deadlines import DueDate
from reconciliation.domain.ledger import Direction, Form, LedgerEntry
from reconciliation.domain.parameters import HOME, BabsRules

_NOTHING: Final = Money.zero(HOME)


@dataclass(frozen=True, slots=True)
class Part:
    """How many documents, and their sum without VAT in lira."""

    documents: int = 0
    total: Money = _NOTHING

    def __add__(self, other: Part) -> Part:
        return Part(self.documents + other.documents, self.total + other.total)


@dataclass(frozen=True, slots=True)
class Tally:
    """Documents of one account card in one month and direction.

    Shapes: ``first`` sorts cards by their first document.
    """

    card: str
    paper: Part = Part()
    electronic: Part = Part()
    first: str = ""

    def with_document(self, net: Money, *, is_electronic: bool, first: str = "") -> Tally:
        """The same card with one document more."""
        part = Part(1, net)
        earliest = min(filter(None, (self.first, first)), default="")
        if is_electronic:
            return replace(self, electronic=self.electronic + part, first=earliest)
        return replace(self, paper=self.paper + part, first=earliest)


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: a counterparty, with all account cards that share its tax number.

    Units: ``listed_total`` is whole lira as the form writes it, kuruş dropped without rounding.
    Shapes: ``form`` and ``all_documents`` are exact; what is not listed has zero documents listed.
    """

    cards: tuple[str, ...]
    form: Part
    all_documents: Part
    listed: bool
    why: tuple[Why, ...]

    @property
    def listed_documents(self) -> int:
        """Number of documents on the form."""
        return self.form.documents if self.listed else 0

    @property
    def listed_total(self) -> Money:
        """Amount on the form."""
        if not self.listed:
            return _NOTHING
        return Money(truncate_to_major(self.form.total.amount), HOME)


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """All rows of a month and direction; ``file_form`` is whether a form is filed at all."""

    rows: tuple[Figure, ...]
    file_form: bool
    why: Why


@dataclass(frozen=True, slots=True)
class FormFigures:
    """A form of a month: its rows, the account cards behind them, rules and deadline.

    Shapes: ``due`` is None for a year whose holidays nobody knows yet.
    """

    form: Form
    rules: BabsRules
    figures: MonthFigures
    cards: Mapping[str, Counterparty]
    due: DueDate | None


def tally(
    entries: Iterable[LedgerEntry], direction: Direction, rules: BabsRules
) -> dict[str, Tally]:
    """Documents in scope by account card; memory grows with cards, not with lines."""
    found: dict[str, Tally] = {}
    for entry in entries:
        fields = entry.fields
        if not entry.counts or fields.direction is not direction or fields.kind not in rules.kinds:
            continue
        before = found.get(entry.counterparty_id) or Tally(entry.counterparty_id)
        found[entry.counterparty_id] = before.with_document(
            fields.counted, is_electronic=fields.is_electronic, first=entry.order
        )
    return found


def month_figures(
    tallies: Iterable[Tally], merge_keys: Mapping[str, str], rules: BabsRules
) -> MonthFigures:
    """Rows in order of first appearance.

    Shapes: ``merge_keys`` maps a card to what it is merged by (``counterparty.merge_key``); a card
    without one stands alone.
    Source: threshold per counterparty and month over paper and electronic together, then only the
    paper part is listed: GT 523, GT 543 (domain/reconciliation.md §2). The threshold is tested on
    the exact total, the listed sum is truncated afterwards.
    """
    groups: dict[str, list[Tally]] = {}
    for one in sorted(tallies, key=lambda item: item.first):
        groups.setdefault(merge_keys.get(one.card, one.card), []).append(one)
    rows = tuple(_figure(group, rules) for group in groups.values())
    listed = sum(row.listed for row in rows)
    if listed:
        return MonthFigures(rows, True, Why("reconciliation.why.form_rows", {"rows": listed}))
    params = {"period": str(rules.period)}
    if rules.empty_form_filed:
        return MonthFigures(rows, True, Why("reconciliation.why.form_empty_filed", params))
    return MonthFigures(rows, False, Why("reconciliation.why.form_not_filed", params))


def _figure(group: list[Tally], rules: BabsRules) -> Figure:
    paper = sum((one.paper for one in group), Part())
    electronic = sum((one.electronic for one in group), Part())
    everything = paper + electronic
    form = everything if rules.e_documents_listed else paper
    reached = everything.total >= rules.threshold
    listed = reached and form.documents > 0
    why: list[Why] = []
    if len(group) > 1:
        why.append(Why("reconciliation.why.cards_merged", {"cards": len(group)}))
    sums = {
        "total": everything.total.to_api(),
        "threshold": rules.threshold.to_api(),
        "documents": everything.documents,
    }
    if not reached:
        why.append(Why("reconciliation.why.below_threshold", sums))
        return Figure(tuple(one.card for one in group), form, everything, False, tuple(why))
    why.append(Why("reconciliation.why.threshold_reached", sums))
    left_out = {"documents": electronic.documents, "total": electronic.total.to_api()}
    if electronic.documents and not rules.e_documents_listed:
        why.append(Why("reconciliation.why.e_documents_left_out", left_out))
    if not listed:
        why.append(Why("reconciliation.why.only_e_documents"))
    figure = Figure(tuple(one.card for one in group), form, everything, listed, tuple(why))
    if listed and figure.listed_total != form.total:
        exact, written = form.total.to_api(), figure.listed_total.to_api()
        cut = Why("reconciliation.why.truncated", {"exact": exact, "written": written})
        return replace(figure, why=(*why, cut))
    return figure
