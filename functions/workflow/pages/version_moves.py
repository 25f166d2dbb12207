"""What may be done with a version of a table or a process, and doing it: four eyes on one page."""

from collections.abc import Callable
from typing import Any

from kernel.errors import KopruError, NotFoundError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import TimelineEntry
from workflow.bootstrap import Workflow
from workflow.domain.rules.versions import OPEN, Version, VersionStatus
from workflow.pages.rule_words import RuleSay

Move = Callable[[Request, int | None], str]
"""One step of a version, with the version that the page showed; gives where to go on."""


def allowed(request: Request, version: Version, *, write: str, publish: str) -> dict[str, Any]:
    """Which buttons a reader gets: who wrote a version never publishes it."""
    may = request.principal.may
    is_open, own = version.status in OPEN, version.author == request.tenant.actor
    is_own = version.status is VersionStatus.PUBLISHED and not version.is_shipped
    return {
        "own": own,
        "is_open": is_open,
        "may_submit": version.status is VersionStatus.DRAFT and may(write),
        "may_publish": is_open and may(publish) and not own,
        "may_withdraw": is_open and may(write),
        "may_retire": is_own and may(publish),
        "may_write": may(write),
    }


def add_move(
    app: HttpApp,
    path: str,
    permission: str,
    move: Move,
    refused: Callable[[Request, KopruError], Reply],
    go_on: Callable[[str], Reply],
) -> None:
    """Add the route of one step; refused, it says why at the same place."""

    @app.page("POST", path, permission=permission)
    def moved(request: Request) -> Reply:
        """One step of a version."""
        stamp = request.form().get("version", "")
        try:
            return go_on(move(request, int(stamp) if stamp.isdecimal() else None))
        except NotFoundError:
            raise
        except KopruError as error:
            return refused(request, error)


def history(use: Workflow, subject: str, version: Version, say: RuleSay) -> list[TimelineEntry]:
    """Everything that happened to a version of the company, newest first."""
    if version.is_shipped:
        return []
    return [
        TimelineEntry(say.action(line.action), at=say.at(line.at), actor=say.who(line.actor))
        for line in reversed(use.store.history(f"{subject}:{version.id}"))
    ]
