"""The difference room as the counterparty sees it: its statement, the lines, a thread per line."""

from typing import Any, Final

from kernel.errors import ConflictError, KopruError, NotFoundError, ValidationError
from kernel.ids import is_id
from reconciliation.application.portal_entry import Guest
from reconciliation.bootstrap import application
from reconciliation.domain.answer import Channel
from reconciliation.domain.difference import Side
from reconciliation.domain.letter import Letter
from reconciliation.domain.statement_match import Category
from reconciliation.pages.difference_words import RoomWords, room_chips, room_columns, room_lines
from reconciliation.pages.portal.kit import PortalKit, go, language_of, status_of, use_of
from reconciliation.pages.words import renderer
from toolkit.entrypoints.http import Reply, Request

_MONTH: Final = "/portal/months/{id}"


def declare(kit: PortalKit) -> None:
    """Add the pages of the room."""

    @kit.page("GET", f"{_MONTH}/differences")
    def show_room(request: Request, guest: Guest) -> Reply:
        """Both statements side by side."""
        return _room(kit, request, guest, _letter(request, guest))

    @kit.page("GET", f"{_MONTH}/statement")
    def choose_file(request: Request, guest: Guest) -> Reply:
        """A form that sends one file straight to storage, also without JavaScript."""
        letter = _letter(request, guest)
        use = use_of(guest)
        upload_id = use.scope.ids.new()
        back_to = application().links.to(f"/portal/months/{letter.id}/statement/{upload_id}")
        room = use.files.room(upload_id, back_to=back_to)
        return kit.draw(
            request,
            "portal/statement_file.html",
            {"letter": letter, "room": room},
            guest=guest,
            section="months",
            upload_to=room.url,
        )

    @kit.page("GET", f"{_MONTH}/statement/{{upload_id}}")
    def show_upload(request: Request, guest: Guest) -> Reply:
        """The file is here: send it, or not."""
        letter = _letter(request, guest)
        use_of(guest).files.exists(request.id("upload_id"))
        values = {"letter": letter, "upload_id": request.id("upload_id")}
        template = "portal/statement_sent.html"
        return kit.draw(request, template, values, guest=guest, section="months")

    @kit.page("POST", f"{_MONTH}/statement/{{upload_id}}")
    def send_statement(request: Request, guest: Guest) -> Reply:
        """Hand the file to the company."""
        letter = _letter(request, guest)
        upload_id = request.path_values["upload_id"]
        if not is_id(upload_id):
            raise NotFoundError("not_found", "There is no such item.")
        use_of(guest).send_statement()(
            letter, guest.counterparty.id, channel=Channel.PORTAL.value, upload_id=upload_id
        )
        return go(f"/portal/months/{letter.id}/differences", done="statement")

    @kit.page("POST", f"{_MONTH}/differences/notes")
    def say(request: Request, guest: Guest) -> Reply:
        """Add a remark to a line."""
        letter = _letter(request, guest)
        form = request.form()
        author = form.get("author", "").strip() or guest.counterparty.fields.title
        try:
            use_of(guest).difference_room().say(
                letter.id,
                form.get("line", ""),
                Side.COUNTERPARTY,
                author,
                form.get("text", ""),
                form_id=form.get("form_id", ""),
            )
        except (ValidationError, ConflictError) as error:
            return _room(kit, request, guest, letter, error)
        return go(f"/portal/months/{letter.id}/differences", done="note")

    @kit.page("POST", f"{_MONTH}/differences/again")
    def compare_again(request: Request, guest: Guest) -> Reply:
        """Compare with the books as they are now."""
        letter = _letter(request, guest)
        use_of(guest).difference_room().again(letter.id)
        return go(f"/portal/months/{letter.id}/differences", done="again")


def _letter(request: Request, guest: Guest) -> Letter:
    return use_of(guest).read_months().one(guest.counterparty, request.id())


def _room(
    kit: PortalKit, request: Request, guest: Guest, letter: Letter, error: KopruError | None = None
) -> Reply:
    use, words = use_of(guest), renderer().language(language_of(request, guest))
    show = use.show_differences()
    case = show(letter.id)
    said = RoomWords(words, application().platform.ids.new())
    path = f"/portal/months/{letter.id}/differences"
    chosen = request.query.get("category", "")
    chosen = chosen if chosen in set(Category) else ""
    start_text = request.query.get("start", "0")
    start = int(start_text[:6]) if start_text.isascii() and start_text.isdigit() else 0
    values: dict[str, Any] = {
        "letter": letter,
        "case": case,
        "room": said,
        "statements": use.store.statements_of(letter.id),
        "path": path,
        "chosen": chosen,
        "columns": room_columns(said),
        "lines": [],
        "following": None,
        "chips": [],
        "all_notes": [],
    }
    if case is not None:
        notes = show.notes(letter.id)
        lines, following = room_lines(show.matches(case), notes, chosen, start)
        values |= {
            "lines": lines,
            "following": following,
            "chips": room_chips(said, case, chosen, path),
            "all_notes": notes.get("", []),
        }
    status = 200
    if error is not None:
        status = 409 if isinstance(error, ConflictError) else status_of(error)
    return kit.draw(
        request,
        "portal/room.html",
        values,
        guest=guest,
        section="months",
        status=status,
        error=error,
    )
