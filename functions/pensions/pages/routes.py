"""Pages of the pensions context, declared on its HTTP application."""

from pensions.pages import (
    contracts,
    contribution,
    employees,
    imports,
    months,
    overview,
    problems,
    remittances,
    transmissions,
)
from pensions.pages.kit import Kit
from toolkit.entrypoints.http import HttpApp


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``."""
    kit = Kit(app)
    for part in (
        overview,
        contracts,
        contribution,
        employees,
        problems,
        imports,
        months,
        remittances,
        transmissions,
    ):
        part.declare(app, kit)
