"""Figures of a month: one pass over its lines (REC-01)."""

from kernel.errors import RuleViolationError
from kernel.periods import Period
from reconciliation.application.context import Scope
from reconciliation.domain.deadlines import DueDate, due_date
from reconciliation.domain.figures import FormFigures, month_figures, tally
from reconciliation.domain.ledger import Form
from reconciliation.domain.parameters import BabsRules, rules_for


class ShowFigures:
    """Compute the figures of a month and form from the lines as they are now.

    Memory grows with counterparties, not with lines.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, period: Period, form: Form) -> FormFigures:
        store = self._scope.store
        rules = rules_for(period, store.parameters())
        tallies = tally(store.entries(period), form.direction, rules)
        cards = store.counterparties(tallies)
        merge = {card_id: card.merge_key for card_id, card in cards.items()}
        figures = month_figures(tallies.values(), merge, rules)
        return FormFigures(form, rules, figures, cards, self._due(rules))

    def _due(self, rules: BabsRules) -> DueDate | None:
        try:
            return due_date(rules.period, rules.due_roll, self._scope.calendar())
        except RuleViolationError:
            return None
