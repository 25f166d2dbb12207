"""Figures of a month: one pass over the sums of its account cards (REC-01)."""

from kernel.errors import RuleViolationError
from kernel.periods import Period
from reconciliation.application.context import Scope
from reconciliation.domain.deadlines import DueDate, due_date
from reconciliation.domain.figures import FormFigures, month_figures
from reconciliation.domain.ledger import Form
from reconciliation.domain.month_sums import tallies
from reconciliation.domain.parameters import BabsRules, rules_for


class ShowFigures:
    """The figures of a month and form as they are now, made of one row per account card.

    Time and memory grow with counterparties, not with lines.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, period: Period, form: Form) -> FormFigures:
        store = self._scope.store
        rules = rules_for(period, store.parameters())
        found = tallies(store.month_sums(period), form.direction, rules)
        cards = store.counterparties(found)
        merge = {card_id: card.merge_key for card_id, card in cards.items()}
        figures = month_figures(found.values(), merge, rules)
        return FormFigures(form, rules, figures, cards, self._due(rules))

    def _due(self, rules: BabsRules) -> DueDate | None:
        try:
            return due_date(rules.period, rules.due_roll, self._scope.calendar())
        except RuleViolationError:
            return None
