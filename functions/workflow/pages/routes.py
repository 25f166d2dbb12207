"""All pages of this context, declared on its HTTP application."""

from toolkit.entrypoints import HttpApp
from workflow.pages import decisions, parameters, rule_editor, rule_try, rule_versions, rules
from workflow.pages.kit import Kit


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``."""
    kit = Kit(app)
    for part in (rules, rule_editor, rule_versions, rule_try, parameters, decisions):
        part.declare(app, kit)
