"""Pages of the workspace, declared on its HTTP application."""

from toolkit.entrypoints.http import HttpApp
from workspace.pages import (
    companies,
    costs,
    developer,
    entry,
    evidence,
    hosted_sign_in,
    operator,
    people,
    privacy,
    second_factor,
    settings,
    spine,
    support,
    task_links,
    timelines,
    views,
)
from workspace.pages.kit import Kit


def declare(app: HttpApp) -> None:
    """Add every page of this context to ``app``."""
    kit = Kit(app)
    parts = (
        *(entry, companies, costs, spine, people, developer, evidence, operator, privacy),
        *(settings, second_factor, hosted_sign_in, support, task_links, timelines, views),
    )
    for part in parts:
        part.declare(app, kit)
