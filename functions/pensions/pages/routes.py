"""Pages of the pensions context, declared on its HTTP application."""

from pensions.pages import contracts, employees, imports, months, overview, problems, remittances
from pensions.pages.kit import Kit
from toolkit.entrypoints.http import HttpApp


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``."""
    kit = Kit(app)
    for part in (overview, contracts, employees, problems, imports, months, remittances):
        part.declare(app, kit)
