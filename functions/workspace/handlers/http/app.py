"""The HTTP application of the workspace and what its routes share."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from kernel.errors import UnauthorizedError
from kernel.storing import CommandIdentity, Position, Remembered
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import HttpApp, Reply, Request
from workspace.bootstrap import Application, application
from workspace.pages.words import error_page, problem_text
from workspace.ports import Page
from workspace.schemas import list_out

T = TypeVar("T")
_EVERYBODY: Final = ""


def _error_page(request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    return error_page(app, request, status, body)


app: HttpApp = HttpApp(
    "workspace",
    base_url=lambda: application().settings.common.base_url,
    csrf_key=lambda: application().platform.csrf_key(),
    origin=lambda: application().settings.common.origin,
    error_page=_error_page,
    translate=problem_text,
)


def use() -> Application:
    """The use cases of this process."""
    return application()


def position_of(request: Request, *, filters: Mapping[str, str] | None = None) -> Position | None:
    """Where a list goes on, from ``?cursor=``; it is good for this list of this tenant only.

    Raises: MalformedError("invalid_cursor").
    """
    cursor = request.query.get("cursor")
    if cursor is None:
        return None
    return use().cursors.open(
        cursor,
        tenant_id=request.principal.tenant_id or _EVERYBODY,
        route=request.route,
        filters=filters or {},
        now=use().platform.clock.now(),
    )


def cursor_to(
    request: Request, position: Position | None, *, filters: Mapping[str, str] | None = None
) -> str | None:
    """The cursor of the next page, or None at the end."""
    if position is None:
        return None
    return use().cursors.seal(
        position,
        tenant_id=request.principal.tenant_id or _EVERYBODY,
        route=request.route,
        filters=filters or {},
        now=use().platform.clock.now(),
    )


def list_reply(
    request: Request,
    page: Page[T],
    show: Callable[[T], Any],
    *,
    filters: Mapping[str, str] | None = None,
) -> Reply:
    """A page of a list as the answer."""
    return Reply(list_out(map(show, page.items), cursor_to(request, page.next, filters=filters)))


def person_id(request: Request) -> str:
    """Id of the signed-in person.

    Raises: UnauthorizedError for a program: some things are for people only.
    """
    if request.principal.kind != "session":
        raise UnauthorizedError("session_required", "Sign in as a person to do this.")
    return request.principal.id


def fresh(request: Request) -> None:
    """Let a person pass who proved lately who they are, and any program.

    Raises: ForbiddenError("proof_required").
    """
    require_fresh(request.principal, use().platform.clock.now())


def answered(request: Request, command: CommandIdentity | None) -> Reply | None:
    """The first answer to a repeated command."""
    if command is None:
        return None
    stored = use().store.company(request.tenant).answered(command)
    return None if stored is None else Reply(stored.body, stored.status, stored.headers)


def reply_of(remembered: Remembered) -> Reply:
    """A remembered answer as it goes out the first time."""
    return Reply(remembered.body, remembered.status, remembered.headers)


__all__ = [
    "Application",
    "answered",
    "app",
    "cursor_to",
    "fresh",
    "list_reply",
    "person_id",
    "position_of",
    "reply_of",
    "use",
]
