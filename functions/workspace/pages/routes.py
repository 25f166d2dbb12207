"""Pages of the workspace, declared on its HTTP application."""

from toolkit.entrypoints import HttpApp
from workspace.pages import companies, entry, people, second_factor, settings, spine, views
from workspace.pages.kit import Kit


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``."""
    kit = Kit(app)
    for part in (entry, companies, spine, people, settings, second_factor, views):
        part.declare(app, kit)
