"""All pages of this context."""

from toolkit.entrypoints import HttpApp


def declare(app: HttpApp) -> None:
    """Add the pages to the application."""
