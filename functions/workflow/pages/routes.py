"""All pages of this context, declared on its HTTP application."""

from toolkit.entrypoints import HttpApp
from workflow.pages import rules
from workflow.pages.kit import Kit


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``."""
    kit = Kit(app)
    for part in (rules,):
        part.declare(app, kit)
