"""Users of the portal: who was invited, who came, who cannot be reached (REC-03)."""

from collections.abc import Iterator
from typing import Final

from kernel.errors import ConflictError, KopruError
from kernel.files import ExportCell, UploadedFile
from kernel.storing import Position
from reconciliation.application.portal_users import PortalUser, UserState
from reconciliation.bootstrap import Reconciliation, application
from reconciliation.domain.access import grouped
from reconciliation.pages.kit import Kit, go, paging_of, position_in, use_of
from reconciliation.pages.words import words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import file_reply
from webkit.components import Chip, Column, Status, Tone
from webkit.i18n import Language, mark
from webkit.urls import link

SECTION: Final = "reconciliation.users"
_READ: Final = "reconciliation:user:read"
_INVITE: Final = "reconciliation:user:invite"
_PATH: Final = "/reconciliation/users"
_ROWS: Final = 50

USER: Final[dict[UserState, tuple[str, Tone]]] = {
    UserState.NO_ADDRESS: (mark("no address"), Tone.ERROR),
    UserState.PREPARED: (mark("prepared, not invited"), Tone.NEUTRAL),
    UserState.INVITED: (mark("invited, never opened"), Tone.WAITING),
    UserState.OPENED: (mark("opened the invitation"), Tone.INFO),
    UserState.EXPIRED: (mark("the invitation ran out"), Tone.WARNING),
    UserState.ACTIVE: (mark("active"), Tone.OK),
    UserState.REVOKED: (mark("shut out"), Tone.NEUTRAL),
}
USERS_HEADER: Final = (
    mark("Code"),
    mark("Title"),
    mark("State"),
    mark("User name"),
    mark("Invited until"),
    mark("Last seen"),
    mark("Addresses of the books"),
    mark("Addresses they added"),
    mark("Subscriptions"),
)


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of users."""

    def overview(request: Request, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        text, state = request.query.get("q", "")[:100], chosen_state(request)
        after = position_in(request, q=text, state=state)
        found, following = use_of(request).list_users()(
            text=text, state=state, limit=_ROWS, after=after
        )
        chips = [Chip(words.text("All"), _PATH, active=not state)]
        chips += [
            Chip(words.text(USER[one][0]), link(_PATH, state=one.value), active=state == one.value)
            for one in UserState
        ]
        columns = (
            Column("title", words.text("Title")),
            Column("state", words.text("State")),
            Column("user", words.text("User name")),
            Column("seen", words.text("Last seen")),
            Column("addresses", words.text("Addresses"), numeric=True),
            Column("act", words.text("What to do"), hide_label=True),
        )
        return kit.draw(
            request,
            "users/list.html",
            SECTION,
            error=error,
            users=found,
            chips=chips,
            columns=columns,
            status_of={user.counterparty.id: status_of(words, user) for user in found},
            grouped=grouped,
            paging=paging_of(request, len(found), following, q=text, state=state),
        )

    @app.page("GET", _PATH, permission=_READ)
    def show_users(request: Request) -> Reply:
        """Everybody, narrowed by name and how far they came."""
        return overview(request)

    @app.page("GET", f"{_PATH}/file", permission=_READ)
    def export(request: Request) -> Reply:
        """The same as a workbook."""
        file = users_file(request)
        return file_reply(file)

    @app.page("POST", f"{_PATH}/{{id}}/invite", permission=_INVITE)
    def invite(request: Request) -> Reply:
        """Mail a new invitation."""
        try:
            use_of(request).invite()(request.id(), by="staff")
        except ConflictError as error:
            return overview(request, error)
        return go(_PATH, done="invited")

    @app.page("POST", f"{_PATH}/{{id}}/revoke", permission=_INVITE)
    def revoke(request: Request) -> Reply:
        """Shut a counterparty out."""
        use_of(request).revoke_access()(request.id())
        return go(_PATH, done="revoked")


def chosen_state(request: Request) -> str:
    """The state a list is narrowed to; empty for all."""
    wanted = request.query.get("state", "")
    return wanted if wanted in set(UserState) else ""


def status_of(words: Language, user: PortalUser) -> Status:
    """How far a counterparty came."""
    label, tone = USER[user.state]
    return Status(words.text(label), tone)


def users_file(request: Request) -> UploadedFile:
    """The report as a file: no link and no password is in it. Raises: ValidationError."""
    words = words_of(request)
    header = [words.text(title) for title in USERS_HEADER]
    text, state = request.query.get("q", "")[:100], chosen_state(request)
    rows = _cells(words, _everybody(use_of(request), text, state))
    wanted = request.query.get("format", "xlsx")
    return application().table_writer.write(wanted, "portal-users", header, rows)


def _everybody(use: Reconciliation, text: str, state: str) -> Iterator[PortalUser]:
    after: Position | None = None
    while True:
        page, after = use.list_users()(text=text, state=state, limit=200, after=after)
        yield from page
        if after is None:
            return


def _cells(words: Language, users: Iterator[PortalUser]) -> Iterator[tuple[ExportCell, ...]]:
    for user in users:
        fields = user.counterparty.fields
        until, seen = user.invited_until, user.last_seen_at
        yield (
            fields.code,
            fields.title,
            status_of(words, user).label,
            grouped(user.user_name),
            until.date() if until else None,
            seen.date() if seen else None,
            user.addresses,
            user.own_addresses,
            user.subscriptions,
        )
