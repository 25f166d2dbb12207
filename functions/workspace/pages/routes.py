"""Pages of the workspace, declared on its HTTP application."""

from toolkit.entrypoints import HttpApp
from workspace.pages import developer, entry, evidence, people, settings, spine
from workspace.pages.kit import Kit


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``."""
    kit = Kit(app)
    for part in (entry, spine, people, developer, evidence, settings):
        part.declare(app, kit)
